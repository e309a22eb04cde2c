import { errorLine, text, type Answer } from '../http/answer.ts';
import type { Route, Visit } from '../http/router.ts';

/** A thing that may be out of order: throws what is wrong with it, returns when it is well. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => void;
}

/** `/healthz` and one path a check (Kubernetes v1.20 apiserver/pkg/server/healthz). */
export function healthRoutes(own: readonly HealthCheck[]): Route[] {
  const well = (): void => undefined;
  const checks = [{ name: 'ping', check: well }, { name: 'log', check: well }, ...own];
  const single = (check: HealthCheck): Route => ({ methods: 'any', pattern: `/healthz/${check.name}`, serve: () => one(check) });
  return [{ methods: 'any', pattern: '/healthz', serve: (visit) => all(checks, visit) }, ...checks.map(single)];
}

function one({ check }: HealthCheck): Answer {
  const fault = faultOf(check);
  return fault === undefined ? text(200, 'ok') : errorLine(500, `internal server error: ${fault}`);
}

function all(checks: readonly HealthCheck[], { query }: Pick<Visit, 'query'>): Answer {
  const excluded = new Set(query.getAll('exclude'));
  let failed = false;
  const lines = checks.map(({ name, check }) => {
    if (excluded.delete(name)) return `[+]${name} excluded: ok\n`;
    // Whoever may not see the single checks is not told why.
    const bad = faultOf(check) !== undefined;
    failed ||= bad;
    return bad ? `[-]${name} failed: reason withheld\n` : `[+]${name} ok\n`;
  });
  if (excluded.size > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${[...excluded].sort().map((name) => JSON.stringify(name)).join(',')}\n`);
  if (failed) return errorLine(500, `${lines.join('')}healthz check failed`);
  return text(200, query.has('verbose') ? `${lines.join('')}healthz check passed\n` : 'ok', { 'x-content-type-options': 'nosniff' });
}

function faultOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
