export * from './ring';
export * from './mailbox-ledger';
export * from './recent-map';
export * from './token-bucket';
