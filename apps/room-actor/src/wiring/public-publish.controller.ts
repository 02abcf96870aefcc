import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { BusRequest, type RefusalCode } from '@troupe/nest-bus';
import { subjects } from '@troupe/protocol';
import { PublicPublish, type PublishReply } from './public-publish';

/** Request/reply on the public subject; the pods share the requests. */
@Controller()
export class PublicPublishController {
  constructor(@Inject(PublicPublish) private readonly publish: PublicPublish) {}

  @BusRequest(subjects.publish, { queue: 'publish', concurrency: 10_000, refuse })
  handle(@Payload() request: unknown): Promise<PublishReply> {
    return this.publish.handle(request);
  }
}

function refuse(code: RefusalCode): PublishReply {
  return { ok: false, code, message: REFUSALS[code] ?? 'not possible' };
}

const REFUSALS: Partial<Record<RefusalCode, string>> = {
  bad_request: 'not JSON',
  too_large: 'the request is too large',
  unavailable: 'too many requests at the moment',
  internal: 'internal error',
};
