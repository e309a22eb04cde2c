import type { Engine } from './engine.ts';

/** What the kubelet calls the Engine's operations (Kubernetes v1.20 pkg/kubelet/kuberuntime/instrumented_services.go). Streams are none. */
const OPERATIONS: Partial<Readonly<Record<keyof Engine, string>>> = {
  info: 'version',
  ping: 'status',
  list: 'list_containers',
  inspect: 'container_status',
  create: 'create_container',
  start: 'start_container',
  stop: 'stop_container',
  kill: 'kill_container',
  remove: 'remove_container',
  image: 'image_status',
  imageBytes: 'list_images',
  pull: 'pull_image',
  exec: 'exec_sync',
};

/** The same Engine; `observe` is told each operation when it is over, with its seconds. */
export function measuredEngine(engine: Engine, observe: (operation: string, seconds: number, ok: boolean) => void): Engine {
  return new Proxy(engine, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...given: unknown[]) => unknown;
      const operation = OPERATIONS[key as keyof Engine];
      if (operation === undefined) return call;
      return async (...given: unknown[]): Promise<unknown> => {
        const began = performance.now();
        let ok = false;
        try {
          const result = await call(...given);
          ok = true;
          return result;
        } finally {
          observe(operation, (performance.now() - began) / 1000, ok);
        }
      };
    },
  });
}
