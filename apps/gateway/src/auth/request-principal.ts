import type { Principal } from '@troupe/people';
import type { FastifyRequest } from 'fastify';

/** Who sent a request, set by the guard. Apart from the request, so that nothing a client sends can become it. */
const principals = new WeakMap<FastifyRequest, Principal>();

export function setPrincipal(request: FastifyRequest, principal: Principal): void {
  principals.set(request, principal);
}

/** Throws when no guard ran: a route that asks for the principal without one is a bug. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (!principal) throw new Error('a route without the bearer guard asks for the principal');
  return principal;
}
