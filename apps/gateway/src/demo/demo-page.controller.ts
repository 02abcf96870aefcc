import { Controller, Get, Header } from '@nestjs/common';
import { DEMO_PAGE } from './demo-page';

/** The page at `/`: try the system from a browser. */
@Controller()
export class DemoPageController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header(
    'content-security-policy',
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'",
  )
  page(): string {
    return DEMO_PAGE;
  }
}
