import type { ObservedContainer } from '../pod/index.ts';
import type { InspectedContainer } from './engine.ts';

/** `undefined` when it is no container of ours. */
export declare function observe(inspected: InspectedContainer, terminationMessage?: string): ObservedContainer | undefined;
