import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text } from '../../../src/server/http/answer.ts';
import { Router, type Route } from '../../../src/server/http/router.ts';

const route = (methods: Route['methods'], pattern: string): Route => ({ methods, pattern, serve: () => text(200, pattern) });

const router = new Router([
  route('any', '/healthz'),
  route('any', '/metrics'),
  route('any', '/metrics/cadvisor'),
  route(['GET'], '/pods'),
  route(['GET'], '/runningpods/'),
  route(['GET', 'POST'], '/stats/summary'),
  route(['GET', 'POST'], '/exec/{namespace}/{pod}/{container}'),
  route(['GET', 'POST'], '/exec/{namespace}/{pod}/{uid}/{container}'),
  route(['GET'], '/logs/*'),
]);

/** Status and first words of what a router says of itself; else the pattern that serves. */
function found(method: string, path: string): string {
  const match = router.find(method, path);
  return 'route' in match ? match.route.pattern : `${match.answer.status} ${typeof match.answer.body === 'string' ? match.answer.body.trim() : ''}`;
}

describe('a path', () => {
  it.each([
    ['GET', '/pods', '/pods'],
    ['GET', '/pods/', '/pods'],
    ['POST', '/pods', '405 405: Method Not Allowed'],
    ['GET', '/pods/x', '404 404: Page Not Found'],
    ['GET', '/runningpods/', '/runningpods/'],
    ['GET', '/runningpods', '301 <a href="/runningpods/">Moved Permanently</a>.'],
    ['GET', '/logs', '301 <a href="/logs/">Moved Permanently</a>.'],
    ['GET', '/logs/', '/logs/*'],
    ['GET', '/logs/a/b.log', '/logs/*'],
    ['PUT', '/healthz', '/healthz'],
    ['GET', '/healthz/', '404 404 page not found'],
    ['GET', '/healthz/none', '404 404 page not found'],
    ['GET', '/metrics/cadvisor', '/metrics/cadvisor'],
    ['GET', '/metrics/', '404 404 page not found'],
    ['GET', '/', '404 404 page not found'],
    ['GET', '/nothing', '404 404 page not found'],
    ['GET', '/Pods', '404 404 page not found'],
    ['GET', '/stats/container', '404 404: Page Not Found'],
    ['DELETE', '/stats/summary', '405 405: Method Not Allowed'],
    ['GET', '/exec/a/b', '404 404: Page Not Found'],
    ['PUT', '/exec/a/b/c', '405 405: Method Not Allowed'],
    ['GET', '/exec/a/b/c', '/exec/{namespace}/{pod}/{container}'],
    ['POST', '/exec/a/b/uid/c', '/exec/{namespace}/{pod}/{uid}/{container}'],
    ['GET', '/exec/a/b/c/d/e', '404 404: Page Not Found'],
  ])('%s %s: %s', (method, path, answer) => {
    expect(found(method, path)).toBe(answer);
  });

  it('gives its parts to the route', () => {
    const match = router.find('GET', '/exec/default/web/1234/main');
    expect('params' in match && match.params).toEqual({ namespace: 'default', pod: 'web', uid: '1234', container: 'main' });
  });

  it('may be anything', () => {
    fc.assert(fc.property(fc.webPath(), fc.string(), (path, method) => {
      const match = router.find(method, path);
      expect('route' in match || [301, 404, 405].includes(match.answer.status)).toBe(true);
    }));
  });
});
