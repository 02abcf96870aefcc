export { openPlatform, type Platform, type PlatformNeeds } from './platform';
export { PLATFORM, PlatformModule } from './nest/platform.module';
export { runService, type RunningService } from './run-service';
