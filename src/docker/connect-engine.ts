import type { Engine, EngineOptions } from './engine.ts';

/** Connects lazily: the first call asks for the version. Throws code `invalid` when `host` is neither of the two forms. */
export declare function connectEngine(options: EngineOptions): Engine;
