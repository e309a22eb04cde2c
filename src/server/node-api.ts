import { join } from 'node:path';
import type { Clock } from '../base/index.ts';
import type { Engine, EngineInfo } from '../docker/index.ts';
import type { KubernetesClient } from '../kubernetes/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { Authenticator } from './access/authenticator.ts';
import { Authorizer } from './access/authorizer.ts';
import { createGate } from './access/gate.ts';
import { apiReviews } from './access/reviews.ts';
import { ServingCertificate } from './certificate/serving-certificate.ts';
import type { Containers } from './contract.ts';
import type { AllPods } from './endpoints/all-pods.ts';
import { configzRoutes } from './endpoints/configz.ts';
import { containerLogRoutes } from './endpoints/container-logs.ts';
import { debugRoutes } from './endpoints/debug.ts';
import { healthRoutes, type HealthCheck } from './endpoints/health.ts';
import { metricsRoutes } from './endpoints/metrics.ts';
import { podRoutes } from './endpoints/pods.ts';
import { portForwardRoutes } from './endpoints/port-forward.ts';
import { remoteCommandRoutes } from './endpoints/remote-command.ts';
import { runRoutes } from './endpoints/run.ts';
import { specRoutes } from './endpoints/spec.ts';
import { statsRoutes } from './endpoints/stats.ts';
import { systemLogRoutes, type SystemLogsOptions } from './endpoints/system-logs.ts';
import { verbosityRoutes } from './endpoints/verbosity.ts';
import type { Listening } from './http/listen.ts';
import { NodeServer } from './http/node-server.ts';
import { requestMeter } from './http/request-meter.ts';
import { observeClaims } from './stats/claim-metrics.ts';
import { DiskMeter } from './stats/disk-use.ts';
import { Sampler } from './stats/sampler.ts';
import type { StreamUpgrades } from './stream/index.ts';

export interface NodeApiOptions {
  readonly https: Listening;
  readonly nodeName: string;
  /** Host names and addresses for the serving certificate. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly certificateFiles?: { readonly cert: string; readonly key: string };
  /** Let the API sign the serving certificate. */
  readonly rotateServerCertificates: boolean;
  /** Of exec, attach and port-forward; 0: none. */
  readonly streamIdleTimeoutMs: number;
  readonly clientCaFile?: string;
  /** For reviews and signing requests; absent: client certificates only. */
  readonly client?: KubernetesClient;
  readonly pods: AllPods;
  readonly containers: Containers;
  readonly engine: Engine;
  readonly engineInfo: EngineInfo;
  /** The executor's. */
  readonly rootDir: string;
  readonly systemLogs: SystemLogsOptions;
  readonly metrics: Metrics;
  readonly kubeletConfig: () => object;
  readonly checks: readonly HealthCheck[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The node's API while it is served. */
export interface NodeApi {
  /** Port of HTTPS. */
  readonly port: number;
  stop(): Promise<void>;
}

/** Serves the node's API. Throws code `conflict` when the port is taken, `invalid` when a certificate, key or address cannot be used. */
export async function startNodeApi(options: NodeApiOptions): Promise<NodeApi> {
  const { client, clock, logger, pods, containers, nodeName, certificateFiles, clientCaFile } = options;
  const { engine, engineInfo, metrics } = options;
  const sampler = new Sampler({ engine, pods, clock });
  const disks = new DiskMeter({ rootDir: options.rootDir, imageDir: engineInfo.rootDir, imageBytes: () => engine.imageBytes(), clock });
  const reviews = client === undefined ? undefined : apiReviews(client);
  const certificate = await ServingCertificate.open({
    directory: join(options.rootDir, 'pki'),
    nodeName,
    names: options.names,
    addresses: options.addresses,
    clock,
    logger,
    measures: { failed: () => metrics.renewErrors.inc(), rotated: (seconds) => metrics.rotation.observe(seconds) },
    ...(certificateFiles !== undefined && { files: certificateFiles }),
    ...(clientCaFile !== undefined && { clientCaFile }),
    ...(options.rotateServerCertificates && client !== undefined && { request: client }),
  });
  const streams = async (): Promise<StreamUpgrades> => (await import('./stream/index.ts')).streamUpgrades({ clock, logger, idleTimeoutMs: options.streamIdleTimeoutMs });
  const server = new NodeServer({
    listening: options.https,
    tls: certificate,
    gate: createGate({
      authenticator: new Authenticator({ clock, reviews, certificates: () => clientCaFile !== undefined }),
      authorizer: new Authorizer({ clock, reviews }),
      nodeName: () => nodeName,
      logger,
    }),
    routes: [
      ...healthRoutes(options.checks),
      ...podRoutes(pods),
      ...containerLogRoutes(containers),
      ...runRoutes(pods, containers),
      ...remoteCommandRoutes({ pods, containers, upgrade: async () => (await streams()).remoteCommand }),
      ...portForwardRoutes({ pods, containers, upgrade: async () => (await streams()).portForward }),
      ...statsRoutes({ sampler, disks, nodeName, clock }),
      ...metricsRoutes({ metrics, sampler, disks, engineInfo }),
      ...systemLogRoutes(options.systemLogs),
      ...specRoutes(() => clock.now()),
      ...configzRoutes(options.kubeletConfig),
      ...debugRoutes(),
      ...verbosityRoutes((level) => logger.setLevel(level)),
    ],
    meter: requestMeter(metrics),
    clock,
    logger,
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    await certificate.stop();
  };
  try {
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }
  observeClaims(metrics, () => disks.claims(pods.all().map(({ pod }) => pod)));
  metrics.observe('kubelet_certificate_manager_server_ttl_seconds', "Gauge of the shortest TTL (time-to-live) of the Kubelet's serving certificate. The value is in seconds until certificate expiry (negative if already expired).", () => [
    { value: Math.trunc((certificate.until - clock.now()) / 1000) },
  ]);
  return { port: server.port, stop };
}
