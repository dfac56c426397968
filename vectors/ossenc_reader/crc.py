"""Sections 7 and 10: the two CRCs. Both are reflected, with initial value and final XOR all ones."""


def crc_table(polynomial: int) -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


def run(table: list[int], ones: int, data: bytes) -> int:
    crc = ones
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ ones


CRC32C_TABLE = crc_table(0x82F63B78)  # 0x1EDC6F41 reflected
CRC64_TABLE = crc_table(0xC96C5795D7870F42)  # 0x42F0E1EBA9EA3693 reflected


def crc32c(data: bytes) -> int:
    return run(CRC32C_TABLE, 0xFFFFFFFF, data)


def crc64(data: bytes) -> int:
    return run(CRC64_TABLE, 0xFFFFFFFFFFFFFFFF, data)
