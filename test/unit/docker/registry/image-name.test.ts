import { expect, it } from 'vitest';
import { repositoryOf } from '../../../../src/docker/index.ts';

const digest = `sha256:${'0a'.repeat(32)}`;

it.each([
  ['nginx', 'docker.io/library/nginx'],
  ['nginx:1.29', 'docker.io/library/nginx'],
  [`nginx@${digest}`, 'docker.io/library/nginx'],
  [`nginx:1@${digest}`, 'docker.io/library/nginx'],
  ['team/app', 'docker.io/team/app'],
  ['docker.io/nginx', 'docker.io/library/nginx'],
  ['index.docker.io/team/app:v1', 'docker.io/team/app'],
  ['localhost/app', 'localhost/app'],
  ['127.0.0.1:5000/team/app:1', '127.0.0.1:5000/team/app'],
  ['reg.example.com/a/b/c:latest', 'reg.example.com/a/b/c'],
  ['Reg.example.com/a', 'Reg.example.com/a'],
  ['km/pause:1', 'docker.io/km/pause'],
])('%s is in %s', (image, repository) => {
  expect(repositoryOf(image)).toBe(repository);
});

it.each([
  ['INVALID', 'invalid reference format: repository name must be lowercase'],
  ['reg.example.com/App', 'invalid reference format: repository name must be lowercase'],
  ['', 'invalid reference format'],
  ['nginx:', 'invalid reference format'],
  ['nginx::1', 'invalid reference format'],
  ['/nginx', 'invalid reference format'],
  ['a//b', 'invalid reference format'],
  ['../containers/json?x=', 'invalid reference format'],
  ['nginx@sha256:12', 'invalid reference format'],
  [`nginx@${digest}@${digest}`, 'invalid reference format'],
  ['nginx 1', 'invalid reference format'],
  ['-a.com/x', 'invalid reference format'],
  ['a'.repeat(300), 'invalid reference format'],
  ['0a'.repeat(32), `invalid repository name (${'0a'.repeat(32)}), cannot specify 64-byte hexadecimal strings`],
])('%j is no image', (image, message) => {
  expect(() => repositoryOf(image)).toThrow(expect.objectContaining({ code: 'invalid', message }) as Error);
});
