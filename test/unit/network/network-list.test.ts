import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import { atLeast, capabilitiesOf, parseNetworkList } from '../../../src/network/network-list.ts';

const plugin = (more: object = {}): object => ({ type: 'bridge', ...more });
const list = (more: object = {}): string => JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins: [plugin()], ...more });

describe('a network', () => {
  it('is a list of plugins, each with all that its file says', () => {
    const ipam = { type: 'host-local', subnet: '10.1.0.0/16' };
    expect(parseNetworkList(list({ plugins: [plugin({ ipam }), { type: 'portmap', capabilities: { portMappings: true } }] }), true)).toEqual({
      name: 'pods',
      cniVersion: '1.0.0',
      plugins: [{ type: 'bridge', ipam }, { type: 'portmap', capabilities: { portMappings: true } }],
    });
  });

  it('is made from a file of one plugin too', () => {
    const network = parseNetworkList(JSON.stringify({ cniVersion: '0.3.1', name: 'pods', type: 'ptp', mtu: 1400 }), false);
    expect(network).toMatchObject({ name: 'pods', cniVersion: '0.3.1', plugins: [{ type: 'ptp', mtu: 1400 }] });
  });

  test.each<[string, string, string]>([
    ['no JSON', '{', 'not JSON'],
    ['another kind of JSON', '[]', 'want a JSON object'],
    ['no name', list({ name: undefined }), 'name: required'],
    ['a name that leads elsewhere', list({ name: '../x' }), 'name: "../x" is no name of a network'],
    ['no version', list({ cniVersion: undefined }), 'cniVersion: required: want 0.3.1 to 1.1.0'],
    ['a version whose results have another form', list({ cniVersion: '0.2.0' }), 'cniVersion: "0.2.0": want 0.3.1 to 1.1.0'],
    ['a version to come', list({ cniVersion: '2.0.0' }), 'cniVersion: "2.0.0": want 0.3.1 to 1.1.0'],
    ['no plugins', list({ plugins: [] }), 'plugins: want a list of one plugin at least'],
    ['a plugin that is none', list({ plugins: [plugin(), 'portmap'] }), 'plugins[1]: want a JSON object'],
    ['a plugin without a type', list({ plugins: [{}] }), 'plugins[0].type: required'],
    ['a plugin that is a path', list({ plugins: [plugin({ type: '../../bin/sh' })] }), 'plugins[0].type: "../../bin/sh" is no name of a plugin'],
  ])('is refused with %s', (_name, content, message) => {
    expect(() => parseNetworkList(content, true)).toThrow(message);
  });

  it('is refused where a list is in a file for one plugin', () => {
    expect(() => parseNetworkList(list(), false)).toThrow('type: required (a file with a list of plugins ends in .conflist)');
  });

  it('is either one that can be called, or refused as invalid', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('0.3.1', '1.0.0', 'bridge', 'a/b', '.', '..'));
    const field = fc.record({ name: value, cniVersion: value, type: value, plugins: fc.oneof(value, fc.array(fc.record({ type: value }))) }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), field.map((json) => JSON.stringify(json))), fc.boolean(), (content, isList) => {
        try {
          const { plugins, name } = parseNetworkList(content, isList);
          expect(plugins.length).toBeGreaterThan(0);
          for (const text of [name, ...plugins.map(({ type }) => type)]) expect(text).toMatch(/^[^/\0]+$/);
          for (const { type } of plugins) expect(['.', '..']).not.toContain(type);
        } catch (error) {
          expect(error).toBeInstanceOf(KmError);
          expect(error).toMatchObject({ code: 'invalid' });
        }
      }),
    );
  });

  it('has the capabilities that its plugins say they have', () => {
    const plugins = [plugin({ capabilities: { ipRanges: true, dns: false } }), { type: 'portmap', capabilities: { portMappings: true } }, { type: 'odd', capabilities: 'all' }];
    expect([...capabilitiesOf(parseNetworkList(list({ plugins }), true))]).toEqual(['ipRanges', 'portMappings']);
  });
});

test.each<[string, string, boolean]>([
  ['0.4.0', '0.4.0', true],
  ['0.3.1', '0.4.0', false],
  ['1.0.0', '0.4.0', true],
  ['0.10.0', '0.9.9', true],
  ['x', '0.4.0', false],
])('version %s is at least %s: %s', (version, least, expected) => expect(atLeast(version, least)).toBe(expected));
