/** The few HTTP calls that the bench needs of Troupe. */
export class TroupeClient {
  constructor(private readonly base: string) {}

  async register(id: string, password: string): Promise<void> {
    await this.#post('/v1/users', { json: { id, name: id, password } });
  }

  async login(id: string, password: string): Promise<string> {
    const form = new URLSearchParams({ grant_type: 'password', username: id, password });
    const { access_token: token } = (await this.#post('/v1/oauth/token', { form })) as {
      access_token: string;
    };
    return token;
  }

  async openGroup(token: string, room: { id: string; durable: boolean; members: string[] }): Promise<void> {
    await this.#post('/v1/rooms', { token, json: { kind: 'group', open: true, ...room } });
  }

  async #post(
    path: string,
    request: { token?: string; json?: unknown; form?: URLSearchParams },
  ): Promise<unknown> {
    const response = await fetch(`${this.base}${path}`, {
      method: 'POST',
      headers: {
        ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
        ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: request.form ?? JSON.stringify(request.json),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${body.slice(0, 300)}`);
    return JSON.parse(body) as unknown;
  }
}
