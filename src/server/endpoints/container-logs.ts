import { isCode, messageOf } from '../../base/index.ts';
import type { Containers } from '../contract.ts';
import { Refusal, type Answer } from '../http/answer.ts';
import type { Route, Visit } from '../http/router.ts';
import { logOptions } from './log-options.ts';

/** `/containerLogs/{namespace}/{pod}/{container}`: one container's log, for `kubectl logs`. */
export function containerLogRoutes(containers: Containers): Route[] {
  const serve = async ({ params, query, signal }: Visit): Promise<Answer> => {
    const { namespace = '', pod = '', container = '' } = params;
    const options = logOptions(query);
    try {
      const body = await containers.logs(namespace, pod, container, options, signal);
      return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
    } catch (error) {
      if (signal.aborted) throw error;
      throw Refusal.of(isCode(error, 'not-found') ? 404 : 400, messageOf(error));
    }
  };
  return [{ methods: ['GET'], pattern: '/containerLogs/{namespace}/{pod}/{container}', serve }];
}
