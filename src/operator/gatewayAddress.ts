// Where the gateway of a pod listens.
//
// Who may write a pod's status may write any address there. So we keep to those that EndpointSlices keep to: a loopback or
// link-local address would lead into our own pod, or to the metadata service of a cloud.
import { BlockList, isIP, isIPv6 } from 'node:net';
import { RESERVED_PORTS } from '../api/schema.ts';
import type { PodFacts } from './podFacts.ts';

const ofNoPod = new BlockList();
ofNoPod.addSubnet('0.0.0.0', 8, 'ipv4');
ofNoPod.addSubnet('127.0.0.0', 8, 'ipv4');
ofNoPod.addSubnet('169.254.0.0', 16, 'ipv4');
ofNoPod.addSubnet('224.0.0.0', 3, 'ipv4');
ofNoPod.addAddress('::', 'ipv6');
ofNoPod.addAddress('::1', 'ipv6');
ofNoPod.addSubnet('fe80::', 10, 'ipv6');
ofNoPod.addSubnet('ff00::', 8, 'ipv6');

/** Origin of the admin port of a pod, such as http://10.0.0.7:9090; undefined where it has no address to ask. */
export type AddressOf = (pod: PodFacts) => string | undefined;

export const gatewayAddress: AddressOf = ({ pod: { ip } }) => {
  if (!ip || isIP(ip) === 0 || ofNoPod.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')) return undefined;
  return `http://${isIPv6(ip) ? `[${ip}]` : ip}:${RESERVED_PORTS.admin}`;
};
