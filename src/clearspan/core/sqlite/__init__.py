"""SQLite files that live through what happens to files: forks, several processes, damage, full disks."""
