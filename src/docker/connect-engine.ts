import { DockerodeEngine } from './dockerode-engine.ts';
import type { Engine, EngineOptions } from './engine.ts';

/**
 * Connects lazily: the first call asks for the version, and a later one again where that failed. Throws code `invalid` when `host`
 * is neither of the two forms.
 */
export function connectEngine(options: EngineOptions): Engine {
  return new DockerodeEngine(options);
}
