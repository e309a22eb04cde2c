import { KmError } from '../../base/index.ts';
import type { Container, EnvVar, PodSpec, Volume, VolumeMount } from '../../pod/index.ts';

type Security = NonNullable<Container['securityContext']>;

/** The pod of a Docker task on its way: what its parts have said so far, and what is wrong with them. */
export class Draft {
  readonly env: EnvVar[] = [];
  readonly labels: Record<string, string> = {};
  readonly volumes: Volume[] = [];
  readonly mounts: VolumeMount[] = [];
  container: Partial<Container> = {};
  security: Security = {};
  spec: Partial<PodSpec> = {};
  readonly #faults: string[] = [];

  fault(field: string, message: string): void {
    this.#faults.push(`${field}: ${message}`);
  }

  /** A volume that only this mount uses; a later one at the same path replaces it. */
  addVolume(mountPath: string, source: Omit<Volume, 'name'>, mode: 'RW' | 'RO', mountPropagation?: string): void {
    const name = `volume-${this.volumes.length}`;
    const before = this.mounts.findIndex((mount) => mount.mountPath === mountPath);
    if (before >= 0) this.mounts.splice(before, 1);
    this.volumes.push({ name, ...source });
    this.mounts.push({ name, mountPath, readOnly: mode === 'RO', ...(mountPropagation === undefined ? {} : { mountPropagation }) });
  }

  /** Throws code `invalid` with all faults. */
  done(): void {
    if (this.#faults.length > 0) throw new KmError('invalid', this.#faults.join('; '));
  }
}
