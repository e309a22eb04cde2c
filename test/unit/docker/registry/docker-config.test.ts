import { expect, it } from 'vitest';
import fc from 'fast-check';
import { parseDockerConfigJson, parseDockercfg } from '../../../../src/docker/registry/docker-config.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const entry = (value: unknown): unknown => parseDockercfg(JSON.stringify({ 'reg.example.com': value })).auths[0]?.[1];

it.each<[string, unknown, unknown]>([
  ['auth', { auth: base64('me:secret') }, { username: 'me', password: 'secret' }],
  ['auth without padding', { auth: base64('me:secret').replace(/=+$/, '') }, { username: 'me', password: 'secret' }],
  ['a password with colons', { auth: base64('me:a:b:') }, { username: 'me', password: 'a:b:' }],
  ['auth before user and password', { username: 'x', password: 'y', auth: base64('me:secret') }, { username: 'me', password: 'secret' }],
  ['user and password', { username: 'me', password: 'secret', email: 'me@example.com' }, { username: 'me', password: 'secret' }],
  ['an identity token', { auth: base64('me:'), identitytoken: 't' }, { username: 'me', password: '', identityToken: 't' }],
  ['a registry token', { registrytoken: 't' }, { registryToken: 't' }],
  ['nothing: a helper knows', {}, undefined],
  ['what is no entry', 7, undefined],
])('an entry with %s', (_what, value, auth) => {
  expect(entry(value)).toEqual(auth);
});

it('config.json has its registries under auths, and names helpers', () => {
  const text = JSON.stringify({ auths: { a: { username: 'me', password: 'p' }, b: {} }, credsStore: 'pass', credHelpers: { 'reg.example.com': 'ecr-login', other: 3 } });
  expect(parseDockerConfigJson(text)).toEqual({
    auths: [['a', { username: 'me', password: 'p' }]],
    credsStore: 'pass',
    credHelpers: new Map([['reg.example.com', 'ecr-login']]),
  });
});

it.each([
  ['top-secret', 'no JSON'],
  ['["top-secret"]', 'no JSON object'],
  ['null', 'no JSON object'],
  ['{"auths":["top-secret"]}', 'auths is no JSON object'],
  [`{"auths":{"reg":{"auth":"${base64('top-secret')}"}}}`, 'auth of reg: want base64 of user:password'],
  ['{"auths":{"reg":{"auth":"top secret!"}}}', 'auth of reg: want base64 of user:password'],
])('%s is refused without repeating it', (text, message) => {
  expect(() => parseDockerConfigJson(text)).toThrow(expect.objectContaining({ code: 'invalid', message }) as Error);
});

it('no JSON, however odd, makes it throw anything else', () => {
  fc.assert(fc.property(fc.json(), (text) => {
    for (const parse of [parseDockerConfigJson, parseDockercfg]) {
      try {
        parse(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid' });
      }
    }
  }));
});
