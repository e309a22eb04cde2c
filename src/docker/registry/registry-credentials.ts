import type { RegistryAuth } from '../engine.ts';
import type { PullSecret } from './credentials.ts';
import type { NodeConfigOptions } from './node-config.ts';

/** Who may pull what: the secrets of a pod, then what the node itself has. What finds that out is loaded with the first pull. */
export class RegistryCredentials {
  readonly #options: NodeConfigOptions;

  constructor(options: NodeConfigOptions) {
    this.#options = options;
  }

  /**
   * The credentials to try for an image, in this order; none: it is pulled without. Throws code `invalid` for a secret that is not what
   * its type says, `aborted` by `signal`.
   */
  async of(image: string, secrets: readonly PullSecret[], signal: AbortSignal): Promise<RegistryAuth[]> {
    const { credentialsFor } = await import('./credentials.ts');
    return credentialsFor(image, secrets, this.#options, signal);
  }
}
