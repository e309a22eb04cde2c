import type { PeerCertificate } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { identityFault, needsName } from '../../../src/mesos/agent-identity.ts';
import type { TlsSettings } from '../../../src/mesos/environment.ts';

const settings = (more: Partial<TlsSettings> = {}): TlsSettings => ({ verify: true, scheme: 'legacy', verifyAddress: false, verifyDepth: 4, ...more });
const openssl = (verifyAddress: boolean): TlsSettings => settings({ scheme: 'openssl', verifyAddress });
const certificate = (CN: string | undefined, subjectaltname?: string): PeerCertificate =>
  ({ subject: CN === undefined ? {} : { CN }, ...(subjectaltname !== undefined && { subjectaltname }) }) as unknown as PeerCertificate;

const ADDRESS = '10.0.0.7';
const NAME = 'agent-7.example.org';
const [byAddress, byAddressWithName] = [{ host: ADDRESS }, { host: ADDRESS, name: NAME }];

describe('the agent is known by its certificate', () => {
  it.each<[string, Parameters<typeof identityFault>]>([
    ['legacy: for the name that its address has', [byAddressWithName, certificate(undefined, `DNS:other, DNS:${NAME}`), settings()]],
    ['legacy: common name, whatever the others are', [byAddressWithName, certificate(NAME, 'DNS:other'), settings()]],
    ['legacy: in other letters', [byAddressWithName, certificate('AGENT-7.example.org'), settings()]],
    ['legacy: an address without a name is one', [byAddress, certificate(ADDRESS), settings()]],
    ['legacy: for its address, where that is allowed', [byAddressWithName, certificate('x', `IP Address:${ADDRESS}`), settings({ verifyAddress: true })]],
    ['legacy: for its name, where its address is allowed', [byAddressWithName, certificate(NAME), settings({ verifyAddress: true })]],
    ['openssl: for its address', [byAddress, certificate('x', `IP Address:${ADDRESS}`), openssl(true)]],
    ['connected to by name', [{ host: NAME }, certificate(undefined, 'DNS:*.example.org'), openssl(false)]],
    ['connected to by name, legacy', [{ host: NAME }, certificate(undefined, `DNS:${NAME}`), settings()]],
  ])('%s', (_what, [identity, its, how]) => {
    expect(identityFault(identity, its, how)).toBeUndefined();
  });

  it.each<[string, Parameters<typeof identityFault>, string]>([
    ['legacy: for another name', [byAddressWithName, certificate('other', 'DNS:others.example.org'), settings()], 'is for others.example.org, other, not for agent-7.example.org'],
    ['legacy: a wildcard is a name', [byAddressWithName, certificate(undefined, 'DNS:*.example.org'), settings()], 'not for agent-7'],
    ['legacy: its address is not asked for', [byAddressWithName, certificate(undefined, `IP Address:${ADDRESS}`), settings()], 'is for nobody'],
    ['legacy: for another address', [byAddressWithName, certificate('x', 'IP Address:10.0.0.8'), settings({ verifyAddress: true })], 'not for agent-7'],
    ['openssl: for its name', [byAddressWithName, certificate(NAME), openssl(true)], 'IP: 10.0.0.7 is not in the cert'],
    ['openssl: its address may not be asked for', [byAddress, certificate('x', `IP Address:${ADDRESS}`), openssl(false)], 'LIBPROCESS_SSL_VERIFY_IPADD is not set'],
    ['connected to by name, for another', [{ host: NAME }, certificate('other'), settings()], NAME],
  ])('%s: it is not', (_what, [identity, its, how], fault) => {
    expect(identityFault(identity, its, how)).toContain(fault);
  });

  it('only when those who vouch for it are few enough', () => {
    const chain = (length: number): PeerCertificate => {
      const root = { subject: { CN: 'root' } } as unknown as { issuerCertificate: unknown };
      root.issuerCertificate = root;
      let top = root as object;
      for (let i = 1; i < length; i++) top = { subject: { CN: NAME }, issuerCertificate: top };
      return top as PeerCertificate;
    };
    const faultAt = (length: number): string | undefined => identityFault(byAddressWithName, chain(length), settings({ verifyDepth: 1 }));
    expect([faultAt(2), faultAt(3)]).toEqual([undefined, undefined]);
    expect(faultAt(4)).toContain('LIBPROCESS_SSL_VERIFY_DEPTH');
  });
});

it.each<[string, TlsSettings, boolean]>([
  [ADDRESS, settings(), true],
  ['::1', settings(), true],
  [NAME, settings(), false],
  [ADDRESS, openssl(true), false],
  [ADDRESS, settings({ verify: false }), false],
])('the name of %s is looked up only where it counts', (host, how, wanted) => {
  expect(needsName(host, how)).toBe(wanted);
});
