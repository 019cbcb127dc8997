<?php
// PHP under FPM: the message log over polling, long-polling and Server-Sent Events, in SQLite.
// A request is a process, and processes cannot wake each other: a waiting request checks the store every
// quarter of a second, and occupies an FPM worker while it waits.

const PAGE = 200;
const LOOK_MICROSECONDS = 250_000;
const KEEP_ALIVE_SECONDS = 15;

function database(): PDO
{
    static $database;
    if (!$database) {
        $database = new PDO('sqlite:' . $_SERVER['STACK_DATA'] . '/messages.db', options: [PDO::ATTR_TIMEOUT => 5]);
        $database->exec('PRAGMA journal_mode = WAL');
        $database->exec('CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, room, author, text, sent_at)');
        $database->exec('CREATE INDEX IF NOT EXISTS by_room ON messages (room, id)');
    }
    return $database;
}

function refuse(int $status, string $detail): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    exit(json_encode(['detail' => $detail]));
}

function message(array $row): array
{
    return ['id' => $row['id'], 'cursor' => (string) $row['id']] + $row;
}

/** Ids count through all rooms; a cursor is the id of the last message that was read. */
function after(string $room, int $cursor): array
{
    $rows = database()->prepare(
        'SELECT id, room, author, text, sent_at FROM messages WHERE room = ? AND id > ? ORDER BY id LIMIT ' . PAGE + 1
    );
    $rows->execute([$room, $cursor]);
    return array_map('message', $rows->fetchAll(PDO::FETCH_ASSOC));
}

/** Waits for messages after a cursor, and returns them; none after a timeout. */
function await_after(string $room, int $cursor, float $seconds): array
{
    $end = microtime(true) + $seconds;
    while (!($found = after($room, $cursor)) && microtime(true) < $end) {
        usleep(LOOK_MICROSECONDS);
    }
    return $found;
}

/** The reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end. */
function start_of(string $room): int
{
    $given = $_SERVER['HTTP_LAST_EVENT_ID'] ?? $_GET['cursor'] ?? null;
    if ($given !== null) {
        return ctype_digit($given) ? (int) $given : refuse(400, 'no cursor');
    }
    $row = database()->prepare('SELECT id FROM messages WHERE room = ? ORDER BY id DESC LIMIT 1 OFFSET ?');
    $row->execute([$room, (int) ($_GET['last'] ?? 50)]);
    return (int) $row->fetchColumn();
}

function publish(): void
{
    $body = json_decode(file_get_contents('php://input'), true);
    if (!is_array($body)) {
        refuse(400, 'a JSON object');
    }
    $draft = [$body['room'] ?? 'lobby', $body['author'] ?? null, $body['text'] ?? null];
    foreach ($draft as $field) {
        if (!is_string($field) || $field === '') {
            refuse(422, 'room, author and text are texts');
        }
    }
    $draft[] = (new DateTimeImmutable('now', new DateTimeZone('UTC')))->format('Y-m-d\TH:i:s.u\Z');
    database()->prepare('INSERT INTO messages (room, author, text, sent_at) VALUES (?, ?, ?, ?)')->execute($draft);
    $row = ['id' => (int) database()->lastInsertId()] + array_combine(['room', 'author', 'text', 'sent_at'], $draft);
    http_response_code(201);
    header('Content-Type: application/json');
    echo json_encode(message($row));
}

function poll(string $room): void
{
    $cursor = start_of($room);
    $found = await_after($room, $cursor, min((float) ($_GET['wait'] ?? 0), 60));
    $messages = array_slice($found, 0, PAGE);
    $place = $messages ? end($messages)['cursor'] : (string) $cursor;
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    $more = count($found) > PAGE;
    echo json_encode(['messages' => $messages, 'cursor' => $place, 'more' => $more, 'reset' => null]);
}

function stream(string $room): void
{
    $cursor = start_of($room);
    // With sessions, `session_write_close()` belongs here: the session's lock would block the user's other requests.
    set_time_limit(0);
    header('Content-Type: text/event-stream');
    header('Cache-Control: no-cache');
    header('X-Accel-Buffering: no');
    echo "retry: 1000\n\n";
    while (true) {
        ob_get_level() && ob_flush();
        flush();
        $found = await_after($room, $cursor, KEEP_ALIVE_SECONDS);
        if (!$found) {
            echo ": keep-alive\n\n";
        }
        foreach ($found as $message) {
            echo "id: {$message['cursor']}\ndata: ", json_encode($message), "\n\n";
            $cursor = $message['id'];
        }
    }
}

$room = $_GET['room'] ?? 'lobby';
is_string($room) || refuse(400, 'one room');
match ($_SERVER['REQUEST_METHOD'] . ' ' . strtok($_SERVER['REQUEST_URI'], '?')) {
    'POST /messages' => publish(),
    'GET /poll' => poll($room),
    'GET /stream' => stream($room),
    default => refuse(404, 'no such address'),
};
