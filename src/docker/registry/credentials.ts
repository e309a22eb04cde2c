import { isCode, KmError, messageOf } from '../../base/index.ts';
import type { RegistryAuth } from '../engine.ts';
import { askHelper } from './credential-helper.ts';
import { parseDockerConfigJson, parseDockercfg, type DockerConfig } from './docker-config.ts';
import { repositoryOf } from './image-name.ts';
import { credentialsIn } from './keyring.ts';
import { readNodeConfig, type NodeConfigOptions } from './node-config.ts';

/** A secret that a pod names for pulling its images. */
export interface PullSecret {
  readonly name: string;
  /** `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`; one of another type says nothing. */
  readonly type: string;
  readonly data: ReadonlyMap<string, Buffer>;
}

/** The names by which configurations give a helper for Docker Hub; the first is what a helper is asked for. */
const HUB_NAMES = ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io'];

/** See `RegistryCredentials.of`. */
export async function credentialsFor(image: string, secrets: readonly PullSecret[], options: NodeConfigOptions, signal: AbortSignal): Promise<RegistryAuth[]> {
  const repository = repositoryOf(image);
  const fromSecrets = credentialsIn(secrets.flatMap((secret) => authsOf(secret)), repository);
  const node = await readNodeConfig(options);
  const helper = await fromHelper(node, repository, options, signal);
  return [...fromSecrets, ...(helper === undefined ? [] : [helper]), ...credentialsIn(node.auths, repository)];
}

function authsOf({ name, type, data }: PullSecret): DockerConfig['auths'] {
  const json = type === 'kubernetes.io/dockerconfigjson';
  const key = json ? '.dockerconfigjson' : '.dockercfg';
  const content = json || type === 'kubernetes.io/dockercfg' ? data.get(key) : undefined;
  if (content === undefined || content.length === 0) return [];
  try {
    return (json ? parseDockerConfigJson : parseDockercfg)(content.toString()).auths;
  } catch (error) {
    throw new KmError('invalid', `secret "${name}", ${key}: ${messageOf(error)}`);
  }
}

/** What the program for that registry knows, if the node has one; one that fails leaves the pull to what else there is. */
async function fromHelper(config: DockerConfig, repository: string, { env, logger }: NodeConfigOptions, signal: AbortSignal): Promise<RegistryAuth | undefined> {
  const host = repository.slice(0, repository.indexOf('/'));
  const names = host === 'docker.io' ? HUB_NAMES : [host, `https://${host}`];
  const named = names.find((name) => config.credHelpers.has(name));
  const helper = named === undefined ? config.credsStore : config.credHelpers.get(named);
  if (helper === undefined) return undefined;
  try {
    return await askHelper({ helper, registry: names[0] ?? host, env, signal });
  } catch (error) {
    if (isCode(error, 'aborted')) throw error;
    logger.warn('credential helper of the node gave nothing', { registry: host, error: messageOf(error) });
    return undefined;
  }
}
