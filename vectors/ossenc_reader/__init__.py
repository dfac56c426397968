"""A reader of the libossenc format, written from docs/FORMAT.md alone. The modules follow its sections, then come those
that check the vectors (`expect`, `chains`, `cases`) and the one that opens a sealed file (`opening`)."""
