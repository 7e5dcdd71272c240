export { FakeDnsServer } from './fake-dns-server.ts';
export type { DnsZone, ZoneEntry } from './fake-dns-server.ts';
