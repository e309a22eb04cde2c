import fc from 'fast-check';
import { expect, test } from 'vitest';

import { addressOf, httpTarget, urlText } from '../../../src/pod/index.ts';
import { container } from './samples.ts';

const web = container('web', { ports: [{ name: 'http', containerPort: 8080 }, { name: 'p9', containerPort: 9 }] });
const path = (text: string): string => httpTarget({ port: 80, path: text }, web, '10.0.0.1').path;

test.each([
  ['', '/'],
  ['/', '/'],
  ['healthz', '/healthz'],
  ['/a b', '/a%20b'],
  ['/a%20b?c=%20', '/a%20b?c=%20'],
  ['/a#b', '/a'],
  ['/a?b#c', '/a?b'],
  ['/100%', '/100%25'],
  ['/100%?a', '/100%25%3Fa'],
  ['/a?100%', '/a?100%'],
  ['/ü', '/%C3%BC'],
  ['//a//b', '//a//b'],
  ['/a/../b/./c', '/a/../b/./c'],
  ['/a\r\nHost: b', '/a%0D%0AHost:%20b'],
  ['/\ud800', '/%EF%BF%BD'],
])('the path %j is asked for as %s', (text, expected) => {
  expect(path(text)).toBe(expected);
});

test('whatever the path says, the request line stays one line of plain characters and begins with a slash', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    expect(path(text)).toMatch(/^\/[!-~]*$/);
  }));
});

test('a path that may stand in a request line stays as it is', () => {
  const plain = fc.stringMatching(/^\/[-\w.~!$&'()*+,;=:@/]*$/);
  fc.assert(fc.property(plain, (text) => {
    expect(path(text)).toBe(text);
  }));
});

test('what is asked for can be told as a URL that parses back to it', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(fc.property(host, fc.integer({ min: 1, max: 65_535 }), fc.constantFrom('HTTP', 'HTTPS', undefined), (name, port, scheme) => {
    const target = httpTarget({ host: name, port, path: '/x?y', ...(scheme !== undefined && { scheme }) }, web, '10.0.0.1');
    const url = new URL(urlText(target));
    expect(url.port === '' ? (target.scheme === 'https' ? 443 : 80) : Number(url.port)).toBe(port);
    expect(`${url.pathname}${url.search}`).toBe('/x?y');
    expect(url.protocol).toBe(`${target.scheme}:`);
  }));
});

test('a port is a number, digits, or the name of a port of the container', () => {
  const portOf = (port: string | number): number => addressOf({ port }, web, '10.0.0.1').port;
  expect([portOf('http'), portOf('p9'), portOf('81'), portOf(82)]).toEqual([8080, 9, 81, 82]);
  fc.assert(fc.property(fc.oneof(fc.string(), fc.integer(), fc.double()), (port) => {
    try {
      const number = portOf(port);
      expect(Number.isInteger(number) && number >= 1 && number <= 65_535).toBe(true);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid', message: expect.stringMatching(/^(invalid port: |the container has no port )/) as string });
    }
  }));
});

test('the host is the one of the pod unless the action names one', () => {
  expect(addressOf({ port: 1 }, web, '10.0.0.1').host).toBe('10.0.0.1');
  expect(addressOf({ port: 1, host: '' }, web, '10.0.0.1').host).toBe('10.0.0.1');
  expect(addressOf({ port: 1, host: 'db' }, web, '10.0.0.1').host).toBe('db');
});
