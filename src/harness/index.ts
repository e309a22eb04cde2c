/** harness: what stands in for a cluster on one machine: agent emulator, embedded Kubernetes API, recorder and replayer. */
export * from './agent/index.ts';
export * from './kubernetes-api/index.ts';
export * from './record/index.ts';
export * from './replay/index.ts';
export * from './up/index.ts';
