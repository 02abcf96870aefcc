export { FrameLog, type FrameOf, type LoggedFrame } from './frame.log';
export { Refused, TestClient, UpgradeRefused, type SocketClose, type TestClientOptions } from './test-client';
export { RawClient, type HttpHead, type RawEnd } from './raw-client';
export { Opcode, encodeWireFrame, type OutgoingFrame } from './wire-frame';
export { HttpClient, UnexpectedStatus, type HttpReply } from './http-client';
export { MetricsText } from './metrics.text';
export { withinDeadline } from './within-deadline';
