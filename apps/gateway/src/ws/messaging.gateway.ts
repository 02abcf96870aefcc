import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import type { Connection } from './connection';

/** Where Nest hands over connections. Frames do not pass here; they go from the socket to the router. */
@WebSocketGateway()
export class MessagingGateway implements OnGatewayConnection<Connection> {
  handleConnection(connection: Connection): void {
    connection.accepted();
  }
}
