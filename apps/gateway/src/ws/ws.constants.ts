export const WS_PATH = '/v1/ws';
export const SUBPROTOCOL = 'troupe.v1';
