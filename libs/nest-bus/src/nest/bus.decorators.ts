import {
  applyDecorators,
  type ArgumentsHost,
  Catch,
  type RpcExceptionFilter,
  UseFilters,
} from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import type { SubjectPattern } from '@troupe/protocol';
import { type Observable, throwError } from 'rxjs';
import type { BusHandlerOptions } from '../bus-handler.options';

/** Lets what a handler throws reach the server as it is; Nest's own filter would make one text of all of it. */
@Catch()
class KeepError implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/** Answers requests on a subject: gets the parsed JSON (`@Payload()`, unchecked), gives what is sent as JSON. */
export function BusRequest(subject: SubjectPattern, options: BusHandlerOptions = {}): MethodDecorator {
  return applyDecorators(MessagePattern(subject, { ...options }), UseFilters(KeepError));
}

/** Takes messages on a subject; nobody waits for an answer. */
export function BusEvent(subject: SubjectPattern, options: BusHandlerOptions = {}): MethodDecorator {
  return applyDecorators(EventPattern(subject, { ...options }), UseFilters(KeepError));
}
