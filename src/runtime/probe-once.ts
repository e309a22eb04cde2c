import { isCode, messageOf } from '../base/index.ts';
import type { Engine } from '../docker/index.ts';
import { addressOf, type Container, type Handler, httpTarget, type Probe, staticCommand, urlText } from '../pod/index.ts';
import { dial } from './dial.ts';
import { httpGet } from './http-get.ts';
import { redirected } from './redirected.ts';

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
const MOST_REDIRECTS = 10;

/** Carries out a probe once. Never throws. */
export async function probeOnce(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const { container, podIP, signal } = target;
  try {
    if (probe.exec !== undefined) return await execProbe(staticCommand(probe.exec.command ?? [], container), timeoutMs, target);
    if (probe.httpGet !== undefined) return await httpProbe(probe.httpGet, timeoutMs, target);
    if (probe.tcpSocket !== undefined) return verdict(await dial(addressOf(probe.tcpSocket, container, podIP), timeoutMs, signal), '');
    if (probe.grpc !== undefined) {
      const { grpcCheck } = await import('./grpc-check.ts'); // few pods have such a probe
      return verdict(await grpcCheck(addressOf({ port: probe.grpc.port }, container, podIP), probe.grpc.service ?? '', timeoutMs, signal), 'service healthy');
    }
  } catch (error) {
    return { result: 'unknown', output: messageOf(error) };
  }
  return { result: 'unknown', output: 'missing probe handler' };
}

function verdict(failure: string | undefined, output: string): ProbeOutcome {
  return failure === undefined ? { result: 'success', output } : { result: 'failure', output: failure };
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

/** The timeout is for all redirects together. Kubernetes v1.20 pkg/probe/http/http.go. */
async function httpProbe(action: HttpGet, timeoutMs: number, target: ProbeTarget): Promise<ProbeOutcome> {
  const first = httpTarget(action, target.container, target.podIP);
  const endsAt = performance.now() + timeoutMs;
  let to = first;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await httpGet(to, action.httpHeaders ?? [], Math.max(1, endsAt - performance.now()), target.signal);
    if (typeof answer === 'string') return { result: 'failure', output: `Get "${urlText(to)}": ${answer}` };
    const { status, body, location } = answer;
    if (status < 200 || status >= 400) return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
    if (status < 300) return { result: 'success', output: body };
    const next = location === undefined ? undefined : redirected(location, to);
    if (next === undefined && location !== undefined) return { result: 'failure', output: `Get "${urlText(to)}": bad redirect location` };
    if (next === undefined || next.host !== first.host) return { result: 'success', output: body, warning: `Probe terminated redirects, Response body: ${body}` };
    if (redirects >= MOST_REDIRECTS) return { result: 'failure', output: `Get "${urlText(next)}": stopped after ${MOST_REDIRECTS} redirects` };
    to = next;
  }
}
