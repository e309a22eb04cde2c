import { readFile } from 'node:fs/promises';
import { arch, platform, release } from 'node:os';
import type { NodeInfo } from './node-object.ts';

/** Kubernetes' release whose kubelet we behave as; version skew checks compare it with the API server's. */
const KUBELET = 'v1.20.2';

const GO_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/**
 * Facts of the host for the Node object. `engineVersion` is the Docker Engine's, `version` ours. What cannot be read is empty.
 * `root` is where the host's files are.
 */
export async function hostInfo(given: { engineVersion: string; version: string; root?: string }): Promise<NodeInfo> {
  const root = given.root ?? '';
  const line = async (...paths: string[]): Promise<string> => {
    for (const path of paths) {
      const text = (await readFile(`${root}${path}`, 'utf8').catch(() => '')).trim();
      if (text !== '') return text;
    }
    return '';
  };
  const machineId = await line('/etc/machine-id', '/var/lib/dbus/machine-id');
  return {
    machineId,
    systemUuid: (await line('/sys/class/dmi/id/product_uuid', '/proc/device-tree/vm,uuid')) || machineId,
    bootId: await line('/proc/sys/kernel/random/boot_id'),
    kernelVersion: release(),
    osImage: prettyName(await line('/etc/os-release', '/usr/lib/os-release')),
    containerRuntimeVersion: `docker://${given.engineVersion}`,
    kubeletVersion: `${KUBELET}-km.${given.version}`,
    operatingSystem: platform(),
    architecture: GO_ARCH[arch()] ?? arch(),
  };
}

function prettyName(osRelease: string): string {
  const value = /^PRETTY_NAME=(.*)$/m.exec(osRelease)?.[1] ?? '';
  return value.replace(/^(["'])(.*)\1$/, '$2') || 'Linux';
}
