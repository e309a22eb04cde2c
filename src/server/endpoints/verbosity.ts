import { VERBOSE_FROM } from '../../config/index.ts';
import type { LogLevel } from '../../telemetry/index.ts';
import { errorLine, type Answer } from '../http/answer.ts';
import type { Route, Visit } from '../http/router.ts';

/** Characters of a number that are read. */
const LONGEST = 1024;

/**
 * `PUT /debug/flags/v`: how much is logged, as a kubelet's `--v` says it, until the next start. Words and statuses of Kubernetes v1.20
 * apiserver/pkg/server/routes/flags.go and component-base/logs/logs.go.
 */
export function verbosityRoutes(setLevel: (level: LogLevel) => void): Route[] {
  const serve = async (visit: Visit): Promise<Answer> => {
    if (visit.method !== 'PUT') return plain(406, 'unsupported http method');
    const given = await bodyOf(visit);
    if (given === undefined) return plain(400, 'error reading request body: http: request body too large');
    const fault = faultOf(given);
    if (fault !== undefined) return plain(400, `failed set klog.logging.verbosity ${given}: strconv.ParseInt: parsing ${JSON.stringify(given)}: ${fault}`);
    setLevel(levelOf(Number(given)));
    return plain(200, `successfully set klog.logging.verbosity to ${given}`);
  };
  return [{ methods: 'any', pattern: '/debug/flags/v', serve }];
}

/** A kubelet with a verbosity of 0 still writes what is of interest; only below it does not. */
function levelOf(verbosity: number): LogLevel {
  if (verbosity < 0) return 'warn';
  return verbosity >= VERBOSE_FROM ? 'debug' : 'info';
}

/** Why it is no number of 32 bits, in Go's words. */
function faultOf(text: string): string | undefined {
  if (!/^[+-]?\d+$/.test(text)) return 'invalid syntax';
  const value = BigInt(text.replace('+', ''));
  return value > 2n ** 31n - 1n || value < -(2n ** 31n) ? 'value out of range' : undefined;
}

async function bodyOf({ request }: Visit): Promise<string | undefined> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > LONGEST) return undefined;
  }
  return text;
}

function plain(status: number, line: string): Answer {
  const answer = errorLine(status, line);
  return { ...answer, headers: { ...answer.headers, 'content-type': 'text/plain' } };
}
