import { request } from 'node:https';
import { systemClock, type Clock } from '../../../../src/base/index.ts';
import { Authenticator } from '../../../../src/server/access/authenticator.ts';
import { Authorizer } from '../../../../src/server/access/authorizer.ts';
import type { AccessQuestion } from '../../../../src/server/access/attributes.ts';
import { createGate } from '../../../../src/server/access/gate.ts';
import type { Reviews } from '../../../../src/server/access/reviews.ts';
import { selfSigned } from '../../../../src/server/certificate/make-certificate.ts';
import type { TlsMaterial } from '../../../../src/server/certificate/tls-material.ts';
import { text } from '../../../../src/server/http/answer.ts';
import { NodeServer, type NodeServerOptions } from '../../../../src/server/http/node-server.ts';
import { requestMeter } from '../../../../src/server/http/request-meter.ts';
import type { Route } from '../../../../src/server/http/router.ts';
import { Metrics, silentLogger } from '../../../../src/telemetry/index.ts';
import type { Issued } from './authority.ts';

export interface Asked {
  readonly method?: string;
  readonly token?: string;
  readonly client?: Issued;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** The API as tests want it: who holds a token, and who may do what. */
export class TestReviews implements Reviews {
  readonly users = new Map<string, { name: string; groups: string[] }>();
  readonly asked: string[] = [];
  mayDo: (user: string, question: AccessQuestion) => boolean = () => true;
  failing = false;

  token(token: string): ReturnType<Reviews['token']> {
    this.asked.push(`token ${token}`);
    return this.failing ? Promise.reject(new Error('the API is away')) : Promise.resolve(this.users.get(token));
  }

  allowed(...[{ name, groups }, question]: Parameters<Reviews['allowed']>): Promise<boolean> {
    this.asked.push(`${name} (${groups.join(' ')}) ${question.verb} nodes/${question.subresource} ${question.node}`);
    return this.failing ? Promise.reject(new Error('the API is away')) : Promise.resolve(this.mayDo(name, question));
  }
}

/** The node's server on loopback, with routes of the test's own. */
export class TestNode implements AsyncDisposable {
  readonly server: NodeServer;

  private constructor(server: NodeServer) {
    this.server = server;
  }

  static async start(options: { reviews?: Reviews; clientCa?: string; routes?: readonly Route[]; limits?: NodeServerOptions['limits']; clock?: Clock }): Promise<TestNode> {
    const { reviews, clientCa, limits, clock = systemClock } = options;
    const pair = await selfSigned({ commonName: 'n1', names: ['n1'], addresses: ['127.0.0.1'] }, Date.now());
    const settings = { ...pair, requestCert: clientCa !== undefined, ...(clientCa !== undefined && { ca: clientCa }) };
    const tls: TlsMaterial = { current: () => settings, onChange: () => () => undefined };
    const server = new NodeServer({
      listening: { address: '127.0.0.1', port: 0 },
      tls,
      gate: createGate({
        authenticator: new Authenticator({ clock, reviews, certificates: () => clientCa !== undefined }),
        authorizer: new Authorizer({ clock, reviews }),
        nodeName: () => 'n1',
        logger: silentLogger,
      }),
      routes: options.routes ?? [{ methods: ['GET'], pattern: '/pods', serve: () => text(200, 'pods') }],
      meter: requestMeter(new Metrics()),
      ...(limits !== undefined && { limits }),
      clock,
      logger: silentLogger,
    });
    await server.start();
    return new TestNode(server);
  }

  /** One request over a connection of its own. */
  ask(path: string, { method = 'GET', token, client, headers = {}, body: sentBody }: Asked = {}): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const sent = request({
        host: '127.0.0.1',
        port: this.server.port,
        path,
        method,
        headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        rejectUnauthorized: false,
        agent: false,
        ...client,
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
      sent.end(sentBody);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}
