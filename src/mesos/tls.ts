import { lookupService } from 'node:dns/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { checkServerIdentity, getCACertificates, type PeerCertificate } from 'node:tls';
import { KmError } from '../base/index.ts';
import type { AgentAddress, TlsSettings } from './environment.ts';

/** The part of `tls.connect`'s options that we set. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined;
  readonly ca?: (string | Buffer)[];
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ciphers?: string;
}

/**
 * Options for a TLS connection to the agent. Files are read anew each time, so that renewed certificates are taken.
 *
 * The agent is known by its IP address, its certificate usually by a name: as libprocess does (Mesos docs/ssl.md, hostname
 * validation scheme `legacy`) the name that the address resolves back to counts too. Throws code `invalid` when a file cannot be read.
 */
export async function tlsOptions(agent: AgentAddress, settings: TlsSettings): Promise<TlsOptions> {
  try {
    const names = settings.verify ? await namesOf(agent) : [];
    return {
      rejectUnauthorized: settings.verify,
      checkServerIdentity: (host, certificate) => {
        const faults = [host, ...names].map((name) => checkServerIdentity(name, certificate));
        return faults.includes(undefined) ? undefined : faults[0];
      },
      ...(settings.verify ? { ca: authorities(settings) } : {}),
      ...(settings.certFile === undefined ? {} : { cert: readFileSync(settings.certFile) }),
      ...(settings.keyFile === undefined ? {} : { key: readFileSync(settings.keyFile) }),
      ...(settings.ciphers === undefined ? {} : { ciphers: settings.ciphers }),
    };
  } catch (error) {
    throw new KmError('invalid', 'TLS to the agent', { cause: error });
  }
}

async function namesOf({ host, port }: AgentAddress): Promise<string[]> {
  if (isIP(host) === 0) return [];
  try {
    const { hostname } = await lookupService(host, port);
    return hostname === host ? [] : [hostname];
  } catch {
    return []; // no name: the certificate must be for the address
  }
}

function authorities({ caFile, caDirectory }: TlsSettings): (string | Buffer)[] {
  if (caFile === undefined && caDirectory === undefined) return getCACertificates('system');
  const inDirectory = caDirectory === undefined ? [] : readdirSync(caDirectory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const files = [...(caFile === undefined ? [] : [caFile]), ...inDirectory.map((entry) => join(entry.parentPath, entry.name))];
  return files.map((file) => readFileSync(file));
}
