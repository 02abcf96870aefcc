import { NEW_ROOM_MEMBERS_MAX, nameSchema, passwordSchema, titleSchema } from '@troupe/people';
import { OVERFLOW_MODES, ROLES, clientIdSchema, dataSchema, idSchema, textSchema } from '@troupe/protocol';
import { z } from 'zod';

export const newUserBody = z.strictObject({ id: idSchema, name: nameSchema, password: passwordSchema });
export type NewUserBody = z.infer<typeof newUserBody>;

const roomFields = {
  id: idSchema.optional(),
  title: titleSchema.optional(),
  members: z.array(idSchema).max(NEW_ROOM_MEMBERS_MAX).optional(),
  open: z.boolean().optional(),
  durable: z.boolean().optional(),
  onOverflow: z.enum(OVERFLOW_MODES).optional(),
};

export const newRoomBody = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('private'), with: idSchema }),
  z.strictObject({ kind: z.literal('group'), ...roomFields }),
  z.strictObject({ kind: z.literal('channel'), ...roomFields }),
]);
export type NewRoomBody = z.infer<typeof newRoomBody>;

/** The body may be missing altogether. */
export const memberBody = z.strictObject({ role: z.enum(ROLES).optional() }).nullish();
export type MemberBody = z.infer<typeof memberBody>;

export const newMessageBody = z.strictObject({
  text: textSchema,
  data: dataSchema.optional(),
  clientId: clientIdSchema.optional(),
});
export type NewMessageBody = z.infer<typeof newMessageBody>;
