import { KmError } from '../../base/index.ts';
import type { RegistryAuth } from '../engine.ts';

/** What a `config.json` of Docker says about registries. */
export interface DockerConfig {
  /** By registry as written there: `https://index.docker.io/v1/`, `registry.example.com/team`, `*.example.com`. */
  readonly auths: readonly (readonly [string, RegistryAuth])[];
  /** Name of the program for one registry. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** Name of the program for all others. */
  readonly credsStore?: string;
}

/** The content of a `config.json`, or of `.dockerconfigjson` in a secret. Throws code `invalid`; the message repeats nothing of it. */
export function parseDockerConfigJson(text: string): DockerConfig {
  const config = objectOf(text);
  const helpers = Object.entries(isObject(config['credHelpers']) ? config['credHelpers'] : {});
  const store = config['credsStore'];
  return {
    auths: authsOf(config['auths']),
    credHelpers: new Map(helpers.flatMap(([registry, helper]) => (typeof helper === 'string' ? [[registry, helper]] : []))),
    ...(typeof store === 'string' && store !== '' && { credsStore: store }),
  };
}

/** The older form, `.dockercfg`: the registries stand at the top. Throws as `parseDockerConfigJson`. */
export function parseDockercfg(text: string): DockerConfig {
  return { auths: authsOf(objectOf(text)), credHelpers: new Map() };
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The error of JSON.parse quotes what it was given.
    throw new KmError('invalid', 'no JSON');
  }
  if (!isObject(value)) throw new KmError('invalid', 'no JSON object');
  return value;
}

/** An entry without anything in it says only that a program knows: `docker login` leaves such. */
function authsOf(value: unknown): DockerConfig['auths'] {
  if (value === undefined || value === null) return [];
  if (!isObject(value)) throw new KmError('invalid', 'auths is no JSON object');
  return Object.entries(value).flatMap(([registry, entry]) => {
    const auth = isObject(entry) ? authOf(registry, entry) : {};
    return Object.keys(auth).length === 0 ? [] : [[registry, auth] as const];
  });
}

function authOf(registry: string, entry: Record<string, unknown>): RegistryAuth {
  const text = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
  const { username, password } = text('auth') === '' ? { username: text('username'), password: text('password') } : decoded(registry, text('auth'));
  return {
    ...(username !== '' && { username, password }),
    ...(text('identitytoken') !== '' && { identityToken: text('identitytoken') }),
    ...(text('registrytoken') !== '' && { registryToken: text('registrytoken') }),
  };
}

/** base64 of `user:password`, padded or not. */
function decoded(registry: string, auth: string): { username: string; password: string } {
  const plain = /^[A-Za-z0-9+/]*={0,2}$/.test(auth) ? Buffer.from(auth, 'base64').toString() : '';
  const colon = plain.indexOf(':');
  if (colon < 0) throw new KmError('invalid', `auth of ${registry}: want base64 of user:password`);
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1).replace(/\0+$/, '') };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
