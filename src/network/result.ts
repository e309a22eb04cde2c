import { isIP, isIPv4 } from 'node:net';
import { KmError, messageOf } from '../base/index.ts';
import { isObject, type JsonObject, text } from './json.ts';

/** What a plugin says on standard output, as an object. Throws code `internal` for anything else. */
export function parseResult(output: string): JsonObject {
  try {
    const json: unknown = JSON.parse(output);
    if (isObject(json)) return json;
  } catch (error) {
    throw new KmError('internal', `the plugin's result is not JSON: ${messageOf(error)}`);
  }
  throw new KmError('internal', "the plugin's result is no JSON object");
}

/**
 * The pod's addresses: the first IPv4 one, then the first IPv6 one, of interfaces inside the pod (a pod has one of each family at most).
 * From a result of version 0.3.0 or later.
 */
export function addressesOf(result: JsonObject): string[] {
  const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
  const interfaces = list(result['interfaces']);
  const addresses = list(result['ips'])
    .filter(({ interface: index }) => typeof index !== 'number' || text(interfaces[index]?.['sandbox']) !== '' || interfaces.length === 0)
    .map(({ address }) => text(address).split('/')[0] ?? '')
    .filter((address) => isIP(address) !== 0);
  const first = [addresses.find(isIPv4), addresses.find((address) => !isIPv4(address))];
  return first.filter((address) => address !== undefined);
}

/** Why a plugin failed: its error object (CNI spec, "Error"), else what it wrote on standard error. */
export function failureWords(output: string, errors: string): string {
  try {
    const json: unknown = JSON.parse(output);
    const words = isObject(json) ? [text(json['msg']), text(json['details'])].filter((word) => word !== '') : [];
    if (words.length > 0) return words.join('; ');
  } catch {
    // No error object: a plugin that was killed, or is none.
  }
  return errors.trim() === '' ? 'netplugin failed with no error message' : errors.trim();
}
