import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KmError, messageOf } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { Attachment, CapabilityArguments } from './invocation.ts';
import { isObject, type JsonObject } from './json.ts';
import type { NetworkList } from './network-list.ts';

/**
 * What is needed to give back the network of a sandbox, whatever has become of the sandbox, of us, or of the file that named the network. `adding`: ADD
 * was begun, nobody knows how far it came.
 */
export interface NetworkRecord {
  readonly version: 1;
  readonly state: 'adding' | 'added';
  readonly attachment: Attachment;
  readonly network: NetworkList;
  readonly binDirs: readonly string[];
  readonly given: CapabilityArguments;
  /** Of ADD; absent while `adding`. */
  readonly result?: JsonObject;
  readonly ips: readonly string[];
}

/** The records of one executor, a file each. What is in the files is in memory too; networks may hold secrets: only root reads them. */
export class NetworkRecords {
  readonly #directory: string;
  readonly #records = new Map<string, NetworkRecord>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads what earlier processes have left. Throws code `internal` when the disk refuses. */
  static async open(directory: string, logger: Logger): Promise<NetworkRecords> {
    const records = new NetworkRecords(directory);
    await diskWork(`reading ${directory}`, () => records.#load(logger));
    return records;
  }

  get(sandboxId: string): NetworkRecord | undefined {
    return this.#records.get(sandboxId);
  }

  all(): NetworkRecord[] {
    return [...this.#records.values()];
  }

  /** On the disk when it resolves: plugins may do what nobody else would know of. */
  async put(record: NetworkRecord): Promise<void> {
    const path = this.#path(record.attachment.sandboxId);
    await diskWork(`writing ${path}`, async () => {
      const fresh = `${path}.new`;
      {
        await using file = await open(fresh, 'w', 0o600);
        await file.writeFile(JSON.stringify(record));
        await file.sync();
      }
      await rename(fresh, path);
    });
    this.#records.set(record.attachment.sandboxId, record);
  }

  async remove(sandboxId: string): Promise<void> {
    await diskWork('removing a record of a network', () => rm(this.#path(sandboxId), { force: true }));
    this.#records.delete(sandboxId);
  }

  #path(sandboxId: string): string {
    return join(this.#directory, `${sandboxId}.json`);
  }

  async #load(logger: Logger): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      if (!name.endsWith('.json')) {
        await rm(path, { force: true }); // half written: its ADD had not begun
        continue;
      }
      try {
        const record: unknown = JSON.parse(await readFile(path, 'utf8'));
        if (!isObject(record) || record['version'] !== 1) throw new KmError('invalid', 'not a record that this version can read');
        this.#records.set(name.slice(0, -'.json'.length), record as unknown as NetworkRecord);
      } catch (error) {
        logger.error('a record of a network cannot be used: what it held stays', { path, error: messageOf(error) });
      }
    }
  }
}

async function diskWork<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new KmError('internal', `${what}: ${messageOf(error)}`, { cause: error });
  }
}
