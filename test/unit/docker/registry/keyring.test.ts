import { expect, it } from 'vitest';
import fc from 'fast-check';
import type { RegistryAuth } from '../../../../src/docker/index.ts';
import { credentialsIn } from '../../../../src/docker/registry/keyring.ts';

const auth = (username: string): RegistryAuth => ({ username, password: 'p' });
const found = (auths: Record<string, string>, repository: string): (string | undefined)[] =>
  credentialsIn(Object.entries(auths).map(([registry, user]) => [registry, auth(user)]), repository).map(({ username }) => username);

// Kubernetes v1.20 pkg/credentialprovider/keyring_test.go has the same decisions.
it.each<[string, Record<string, string>, string, string[]]>([
  ['the registry itself', { 'reg.example.com': 'a' }, 'reg.example.com/app', ['a']],
  ['another registry', { 'reg.example.com': 'a' }, 'other.example.com/app', []],
  ['the same host on another port', { 'reg.example.com:5000': 'a' }, 'reg.example.com/app', []],
  ['a host whose port nobody said', { 'reg.example.com': 'a' }, 'reg.example.com:5000/app', []],
  ['host and port', { '127.0.0.1:5000': 'a' }, '127.0.0.1:5000/team/app', ['a']],
  ['with a scheme', { 'https://reg.example.com': 'a', 'http://reg.example.com/': 'b' }, 'reg.example.com/app', ['a', 'b']],
  ['with the version of the API', { 'https://reg.example.com/v1/': 'a', 'reg.example.com/v2/': 'b' }, 'reg.example.com/app', ['a', 'b']],
  ['a path within the registry', { 'reg.example.com/team': 'a' }, 'reg.example.com/team/app', ['a']],
  ['a path behind the version', { 'reg.example.com/v2/team': 'a' }, 'reg.example.com/team/app', ['a']],
  ['another path', { 'reg.example.com/team': 'a' }, 'reg.example.com/other/app', []],
  ['the longest path first', { 'reg.example.com': 'a', 'reg.example.com/team/app': 'c', 'reg.example.com/team': 'b' }, 'reg.example.com/team/app', ['c', 'b', 'a']],
  ['a star for one label', { '*.example.com': 'a' }, 'reg.example.com/app', ['a']],
  ['a star within a label', { 'us-*.example.com': 'a' }, 'us-east.example.com/app', ['a']],
  ['a star for two labels', { '*.example.com': 'a' }, 'a.b.example.com/app', []],
  ['stars behind what is exact', { '*.example.com': 'a', 'reg.example.com': 'b' }, 'reg.example.com/app', ['b', 'a']],
  ['a star and a path', { '*.example.com/team': 'a' }, 'reg.example.com/team/app', ['a']],
  ['no star in ports', { 'reg.example.com:*': 'a' }, 'reg.example.com:5000/app', []],
  ['Docker Hub by its old address', { 'https://index.docker.io/v1/': 'a' }, 'docker.io/library/nginx', ['a']],
  ['Docker Hub by its name', { 'docker.io': 'a' }, 'docker.io/library/nginx', ['a']],
  ['a name of Docker Hub in place of its address', { 'docker.io/team': 'a', 'index.docker.io': 'b' }, 'docker.io/team/app', ['a']],
  ['Docker Hub is no other registry', { 'https://index.docker.io/v1/': 'a' }, 'reg.example.com/app', []],
])('%s', (_what, auths, repository, users) => {
  expect(found(auths, repository)).toEqual(users);
});

it('several credentials for one place keep their order', () => {
  const twice = [['reg.example.com', auth('old')], ['https://reg.example.com', auth('new')]] as const;
  expect(credentialsIn(twice, 'reg.example.com/app').map(({ username }) => username)).toEqual(['old', 'new']);
});

it('no name of a registry, however odd, breaks the look-up or takes long', () => {
  const odd = fc.array(fc.constantFrom('*', '?', '.', '/', ':', '[', ']', 'a', 'b', 'https://', '/v1/'), { maxLength: 60 }).map((parts) => parts.join(''));
  fc.assert(fc.property(odd, odd, (registry, repository) => Array.isArray(found({ [registry]: 'a' }, repository))));
  const began = performance.now();
  expect(found({ [`${'*a'.repeat(2000)}b`]: 'a' }, `${'a'.repeat(4000)}/app`)).toEqual([]);
  expect(performance.now() - began).toBeLessThan(2000);
});
