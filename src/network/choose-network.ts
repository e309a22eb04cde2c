import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isCode, KmError, messageOf } from '../base/index.ts';
import { isObject } from './json.ts';
import { type NetworkList, parseNetworkList } from './network-list.ts';
import { findPlugin, runPlugin } from './run-plugin.ts';

const EXTENSIONS: ReadonlySet<string> = new Set(['.conf', '.conflist', '.json']);

/** A file of networks that cannot be used, and why. */
export interface UnusableFile {
  readonly path: string;
  readonly why: string;
}

export interface Chosen {
  /** Absent: no file can be used. */
  readonly network?: NetworkList;
  /** Those before it in the order of names. */
  readonly unusable: readonly UnusableFile[];
}

/**
 * The network of this node's pods: of the files in `confDir` the first one by name that can be used, all its plugins there and able to speak its
 * version. The one that is `known` to be so is not looked at again while its file stays the same, and comes back as it is. Kubernetes v1.20 pkg/kubelet/dockershim/network/cni/cni.go getDefaultCNINetwork.
 */
export async function chooseNetwork(confDir: string, binDirs: readonly string[], known?: NetworkList): Promise<Chosen> {
  const unusable: UnusableFile[] = [];
  for (const file of await confFiles(confDir)) {
    const path = join(confDir, file);
    try {
      const network = parseNetworkList(await readFile(path, 'utf8'), extname(file) === '.conflist');
      if (known !== undefined && isDeepStrictEqual(network, known)) return { network: known, unusable };
      await checkPlugins(network, binDirs);
      return { network, unusable };
    } catch (error) {
      unusable.push({ path, why: messageOf(error) });
    }
  }
  return { unusable };
}

async function confFiles(confDir: string): Promise<string[]> {
  const entries = await readdir(confDir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new KmError('internal', `${confDir} cannot be read: ${error.message}`, { cause: error });
  });
  return entries.filter((entry) => !entry.isDirectory() && EXTENSIONS.has(extname(entry.name))).map(({ name }) => name).sort();
}

async function checkPlugins({ plugins, cniVersion }: NetworkList, binDirs: readonly string[]): Promise<void> {
  for (const type of new Set(plugins.map((plugin) => plugin.type))) {
    const supported = await supportedVersions(await findPlugin(type, binDirs), cniVersion);
    if (!supported.includes(cniVersion)) throw new KmError('invalid', `plugin ${type} does not support config version ${JSON.stringify(cniVersion)}`);
  }
}

async function supportedVersions(binary: string, cniVersion: string): Promise<readonly unknown[]> {
  try {
    // The folders and the rest mean nothing here, but some plugins look whether they are there.
    const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', CNI_COMMAND: 'VERSION', CNI_CONTAINERID: 'none', CNI_NETNS: 'none', CNI_IFNAME: 'none', CNI_PATH: 'none' };
    const answer: unknown = JSON.parse(await runPlugin({ binary, environment, input: { cniVersion } }));
    const versions = isObject(answer) ? answer['supportedVersions'] : undefined;
    return Array.isArray(versions) ? (versions as unknown[]) : [];
  } catch (error) {
    if (isCode(error, 'timeout')) throw error;
    throw new KmError('invalid', `plugin ${binary} does not tell its versions: ${messageOf(error)}`, { cause: error });
  }
}
