import type { IncomingMessage } from 'node:http';
import type { Metrics } from '../../telemetry/index.ts';

/** Counts requests. */
export interface RequestMeter {
  /** A request has come; the returned function is called once, when it has been answered. */
  begin(request: IncomingMessage): () => void;
}

const METHODS = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']);
const PATHS = new Set(['healthz', 'pods', 'stats', 'metrics', 'metrics/cadvisor', 'metrics/probes', 'metrics/resource', 'spec', 'run', 'exec', 'attach', 'portForward', 'containerLogs', 'configz', 'debug', 'runningpods', 'logs']);
const LONG_RUNNING = new Set(['exec', 'attach', 'portforward', 'debug']);

/** By method and root of the path, as the kubelet counts; whatever strangers send, there are only so many series. */
export function requestMeter({ httpRequests, httpInflight, httpDuration }: Metrics): RequestMeter {
  return {
    begin: ({ method = '', url = '' }) => {
      const root = rootOf(url);
      const labels = {
        method: METHODS.has(method) ? method : 'other',
        path: PATHS.has(root) ? root : 'other',
        server_type: 'readwrite',
        long_running: String(LONG_RUNNING.has(root)),
      };
      httpRequests.inc(labels);
      httpInflight.inc(labels);
      const began = performance.now();
      return () => {
        httpInflight.dec(labels);
        httpDuration.observe(labels, (performance.now() - began) / 1000);
      };
    },
  };
}

function rootOf(url: string): string {
  const [first = '', second] = (url.split('?', 1)[0] ?? '').replace(/^\//, '').split('/');
  return first === 'metrics' && second !== undefined ? `${first}/${second}` : first;
}
