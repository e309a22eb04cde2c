import { createRequire, registerHooks } from 'node:module';
import type Docker from 'dockerode';

/**
 * Parts of dockerode that load much and that we never use: `./session` (BuildKit over gRPC: 12 MB, 80 ms) and `ssh2`
 * (`ssh://` hosts: 4 MB, 35 ms). The measure is in docs/dependencies.md.
 */
const UNUSED: ReadonlySet<string> = new Set(['./session', 'ssh2']);
const NOTHING = 'km:nothing';

/** Loads dockerode without those parts; what asks for them while it loads gets an empty module. */
export function loadDockerode(): typeof Docker {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      UNUSED.has(specifier) ? { url: NOTHING, format: 'commonjs', shortCircuit: true } : next(specifier, context),
    load: (url, context, next) => (url === NOTHING ? { format: 'commonjs', source: 'module.exports = {};', shortCircuit: true } : next(url, context)),
  });
  try {
    return createRequire(import.meta.url)('dockerode') as typeof Docker;
  } finally {
    hooks.deregister();
  }
}
