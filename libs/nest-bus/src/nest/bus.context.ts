import { BaseRpcContext } from '@nestjs/microservices';
import type { BusMessage } from '@troupe/ports';
import type { Subject } from '@troupe/protocol';

/** What a handler may know about its message besides the payload: `@Ctx() context: BusContext`. */
export class BusContext extends BaseRpcContext<[BusMessage]> {
  /** The subject that the message came on; for a handler of a pattern, which of them. */
  get subject(): Subject {
    return this.getArgByIndex(0).subject;
  }

  /** True when the sender waits for an answer. */
  get expectsReply(): boolean {
    return this.getArgByIndex(0).reply !== undefined;
  }
}
