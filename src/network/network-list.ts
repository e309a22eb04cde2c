import { KmError, messageOf } from '../base/index.ts';
import { isObject, type JsonObject, text } from './json.ts';

/** One plugin of a network, as its file has it: all of it goes to the plugin. */
export type PluginConfig = JsonObject & { readonly type: string };

/** A network: plugins that are called one after the other (CNI spec, "network configuration list"). */
export interface NetworkList {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConfig[];
}

const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** A file name: a plugin is looked for in the folders of plugins and nowhere else. */
const PLUGIN_NAME = /^[^/\0]+$/;

/**
 * A network from the text of its file: a `.conflist`, or (any other name) one plugin by itself, which becomes a list of one. Throws code
 * `invalid` with the field. CNI spec 0.3.1 to 1.1; 0.3.0 is the same for us, the older ones have results of another form.
 */
export function parseNetworkList(content: string, isList: boolean): NetworkList {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw new KmError('invalid', `not JSON: ${messageOf(error)}`);
  }
  if (!isObject(json)) throw new KmError('invalid', 'want a JSON object');
  const name = text(json['name']);
  if (!NETWORK_NAME.test(name)) throw new KmError('invalid', `name: ${name === '' ? 'required' : `${JSON.stringify(name)} is no name of a network`}`);
  const cniVersion = checkedVersion(text(json['cniVersion']));
  if (!isList && text(json['type']) === '') throw new KmError('invalid', "type: required (a file with a list of plugins ends in .conflist)");
  const given = isList ? json['plugins'] : [json];
  if (!Array.isArray(given) || given.length === 0) throw new KmError('invalid', 'plugins: want a list of one plugin at least');
  return { name, cniVersion, plugins: given.map((plugin: unknown, i) => checkedPlugin(plugin, isList ? `plugins[${i}].` : '')) };
}

function checkedPlugin(plugin: unknown, path: string): PluginConfig {
  if (!isObject(plugin)) throw new KmError('invalid', `${path.slice(0, -1)}: want a JSON object`);
  const type = text(plugin['type']);
  if (!PLUGIN_NAME.test(type) || type === '.' || type === '..') throw new KmError('invalid', `${path}type: ${type === '' ? 'required' : `${JSON.stringify(type)} is no name of a plugin`}`);
  return { ...plugin, type };
}

function checkedVersion(version: string): string {
  const parts = versionParts(version);
  if (parts === undefined || parts[0] > 1 || !atLeast(version, '0.3.0')) {
    throw new KmError('invalid', `cniVersion: ${version === '' ? 'required' : JSON.stringify(version)}: want 0.3.1 to 1.1.0`);
  }
  return version;
}

/** Whether a version is that one or a later one; false for what is none. */
export function atLeast(version: string, least: string): boolean {
  const [a, b] = [versionParts(version), versionParts(least)];
  if (a === undefined || b === undefined) return false;
  const at = [0, 1, 2].find((i) => a[i] !== b[i]);
  return at === undefined || Number(a[at]) > Number(b[at]);
}

function versionParts(version: string): readonly [number, number, number] | undefined {
  const match = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})$/.exec(version);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

/** The capabilities that a network's plugins say they have, each once. */
export function capabilitiesOf({ plugins }: NetworkList): ReadonlySet<string> {
  return new Set(plugins.flatMap(({ capabilities }) => (isObject(capabilities) ? Object.keys(capabilities).filter((name) => capabilities[name] === true) : [])));
}
