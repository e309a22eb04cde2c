import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { isCode, messageOf } from '../base/index.ts';
import type { Engine } from '../docker/index.ts';
import type { Container, Handler, Probe } from '../pod/index.ts';

/** `unknown` means that the probe could not be carried out: it says nothing about the container. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'unknown';
  readonly output: string;
  /** Passed, but something is odd: event ProbeWarning. */
  readonly warning?: string;
}

/** What a probe or a hook is carried out against. */
export interface ProbeTarget {
  readonly engine: Engine;
  readonly containerId: string;
  readonly container: Container;
  readonly podIP: string;
  readonly signal: AbortSignal;
}

/** Most that is kept of a probe's output, bytes (Kubernetes v1.20 pkg/probe). */
const OUTPUT_BYTES = 10 * 1024;

/** Carries out a probe once. Never throws. */
export async function probeOnce(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.exec !== undefined) return await execProbe(probe.exec.command ?? [], timeoutMs, target);
    if (probe.httpGet !== undefined) return await httpProbe(probe.httpGet, timeoutMs, target);
    if (probe.tcpSocket !== undefined) return await tcpProbe(probe.tcpSocket, timeoutMs, target);
  } catch (error) {
    return { result: 'unknown', output: messageOf(error) };
  }
  return { result: 'unknown', output: 'missing probe handler' };
}

async function execProbe(command: readonly string[], timeoutMs: number, target: ProbeTarget): Promise<ProbeOutcome> {
  try {
    const { exitCode, output } = await target.engine.exec(target.containerId, command, { timeoutMs, signal: target.signal, maxOutputBytes: OUTPUT_BYTES });
    return { result: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (isCode(error, 'timeout')) return { result: 'failure', output: `command ${JSON.stringify(command.join(' '))} timed out` };
    if (isCode(error, 'workload')) return { result: 'failure', output: messageOf(error) };
    throw error;
  }
}

type HttpGet = NonNullable<Handler['httpGet']>;

async function httpProbe(action: HttpGet, timeoutMs: number, target: ProbeTarget): Promise<ProbeOutcome> {
  let url = urlOf(action, target);
  const host = url.hostname;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await httpGet(url, action, timeoutMs, target.signal);
    if (typeof answer === 'string') return { result: 'failure', output: `Get "${url.href}": ${answer}` };
    const { status, body, location } = answer;
    if (status >= 300 && status < 400 && location !== undefined) {
      const next = URL.parse(location, url);
      if (next === null) return { result: 'failure', output: `Get "${url.href}": bad redirect location` };
      if (next.hostname !== host) return { result: 'success', output: body, warning: `Probe terminated redirects, Response body: ${body}` };
      if (redirects >= 10) return { result: 'failure', output: `Get "${next.href}": stopped after 10 redirects` };
      url = next;
      continue;
    }
    if (status >= 200 && status < 400) return { result: 'success', output: body };
    return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
  }
}

/** GETs once; a text is the reason why there is no answer. TLS is not verified, proxies are not asked. */
export function httpGet(
  url: URL,
  action: HttpGet,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ status: number; body: string; location: string | undefined } | string> {
  return new Promise((resolve) => {
    const headers: Record<string, string[]> = { 'user-agent': ['kube-probe/1.20'], accept: ['*/*'], connection: ['close'] };
    for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = [...(headers[name.toLowerCase()] ?? []), value];
    if (action.httpHeaders?.some(({ name }) => name.toLowerCase() === 'accept')) headers.accept?.shift();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const fail = (error: Error): void => resolve(limit.aborted && !signal.aborted ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' : error.message);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { agent: false, headers, signal: limit, ...(url.protocol === 'https:' ? { rejectUnauthorized: false } : {}) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const end = (): void => resolve({
        status: response.statusCode ?? 0,
        body: Buffer.concat(chunks).toString('utf8', 0, OUTPUT_BYTES),
        location: response.headers.location,
      });
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < OUTPUT_BYTES) return;
        end();
        response.destroy();
      });
      response.on('end', end);
      response.on('error', fail);
    });
    request.on('error', fail);
    request.end();
  });
}

/** Where an HTTP action goes: the pod's address unless it names a host. Throws when its port has no number. */
export function urlOf(action: HttpGet, { container, podIP }: Pick<ProbeTarget, 'container' | 'podIP'>): URL {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const host = action.host === undefined || action.host === '' ? podIP : action.host;
  const path = action.path ?? '/';
  return new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${portOf(action.port, container)}${path.startsWith('/') ? path : `/${path}`}`);
}

function portOf(port: number | string | object | undefined, container: Container): number {
  const number = typeof port === 'string' ? (container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port)) : Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new Error(`invalid port: ${JSON.stringify(port)}`);
  return number;
}

function tcpProbe(action: NonNullable<Handler['tcpSocket']>, timeoutMs: number, target: ProbeTarget): Promise<ProbeOutcome> {
  const host = action.host === undefined || action.host === '' ? target.podIP : action.host;
  const port = portOf(action.port, target.container);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (outcome: ProbeOutcome): void => {
      target.signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(outcome);
    };
    const onAbort = (): void => end({ result: 'unknown', output: 'aborted' });
    target.signal.addEventListener('abort', onAbort, { once: true });
    socket.on('connect', () => end({ result: 'success', output: '' }));
    socket.on('timeout', () => end({ result: 'failure', output: `dial tcp ${host}:${port}: i/o timeout` }));
    socket.on('error', (error) => end({ result: 'failure', output: `dial tcp ${host}:${port}: ${error.message}` }));
  });
}
