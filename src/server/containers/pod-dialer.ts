import type { Duplex } from 'node:stream';
import { KmError } from '../../base/index.ts';
import type { NodeContainersOptions } from './node-containers.ts';

/** Connects to ports in pods' networks. */
export class PodDialer {
  readonly #options: Pick<NodeContainersOptions, 'engine' | 'logger' | 'clock' | 'dialProgram'>;

  constructor(options: Pick<NodeContainersOptions, 'engine' | 'logger' | 'clock' | 'dialProgram'>) {
    this.#options = options;
  }

  async dial(sandboxId: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const { ips } = await this.#options.engine.inspect(sandboxId, signal);
    throw new KmError('internal', `cannot connect to ${ips.join()}:${port}`);
  }

  close(): void {
    // Nothing is open.
  }
}
