// Go's net/http: the message log over polling, long-polling and Server-Sent Events.
// A stream is a handler that flushes after each message; it waits on a channel that the next message closes.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	keptMessages = 10_000
	page         = 200
	keepAlive    = 15 * time.Second
)

type Message struct {
	ID     int    `json:"id"`
	Cursor string `json:"cursor"`
	Room   string `json:"room"`
	Author string `json:"author"`
	Text   string `json:"text"`
	SentAt string `json:"sent_at"`
}

// Room holds one room's messages, oldest first. A cursor is the id of the last message that was read.
type Room struct {
	mutex    sync.Mutex
	messages []Message
	head     int
	bell     chan struct{}
}

func (room *Room) append(message Message) Message {
	room.mutex.Lock()
	defer room.mutex.Unlock()
	room.head++
	message.ID, message.Cursor = room.head, strconv.Itoa(room.head)
	message.SentAt = time.Now().UTC().Format(time.RFC3339Nano)
	room.messages = append(room.messages, message)
	if len(room.messages) > keptMessages {
		room.messages = room.messages[1:]
	}
	close(room.bell)
	room.bell = make(chan struct{})
	return message
}

// after returns the messages after a cursor, and a channel that is closed when there are more.
func (room *Room) after(cursor int) ([]Message, <-chan struct{}) {
	room.mutex.Lock()
	defer room.mutex.Unlock()
	oldest := room.head - len(room.messages)
	from := min(max(cursor-oldest, 0), len(room.messages))
	return room.messages[from:], room.bell
}

var (
	roomsMutex sync.Mutex
	rooms      = map[string]*Room{}
)

func roomNamed(name string) *Room {
	roomsMutex.Lock()
	defer roomsMutex.Unlock()
	if name == "" {
		name = "lobby"
	}
	if rooms[name] == nil {
		rooms[name] = &Room{bell: make(chan struct{})}
	}
	return rooms[name]
}

// startOf returns a reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end.
func startOf(request *http.Request, room *Room) (int, error) {
	given := request.Header.Get("Last-Event-ID")
	if given == "" {
		given = request.FormValue("cursor")
	}
	if given != "" {
		start, err := strconv.ParseUint(given, 10, 31)
		return int(start), err
	}
	last := uint64(50)
	if given = request.FormValue("last"); given != "" {
		var err error
		if last, err = strconv.ParseUint(given, 10, 31); err != nil {
			return 0, err
		}
	}
	room.mutex.Lock()
	defer room.mutex.Unlock()
	return max(room.head-int(last), 0), nil
}

func publish(writer http.ResponseWriter, request *http.Request) {
	draft := Message{Room: "lobby"}
	if err := json.NewDecoder(http.MaxBytesReader(writer, request.Body, 64<<10)).Decode(&draft); err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	if draft.Room == "" || draft.Author == "" || draft.Text == "" {
		http.Error(writer, "room, author and text are not empty", http.StatusUnprocessableEntity)
		return
	}
	message := roomNamed(draft.Room).append(draft)
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(http.StatusCreated)
	json.NewEncoder(writer).Encode(message)
}

func poll(writer http.ResponseWriter, request *http.Request) {
	room := roomNamed(request.FormValue("room"))
	cursor, err := startOf(request, room)
	if err != nil {
		http.Error(writer, "no cursor", http.StatusBadRequest)
		return
	}
	wait, _ := strconv.ParseFloat(request.FormValue("wait"), 64)
	found, bell := room.after(cursor)
	if wait = min(wait, 60); wait > 0 && len(found) == 0 {
		select {
		case <-bell:
		case <-time.After(time.Duration(wait * float64(time.Second))):
		case <-request.Context().Done():
			return
		}
		found, _ = room.after(cursor)
	}
	messages := append([]Message{}, found[:min(len(found), page)]...)
	if len(messages) > 0 {
		cursor = messages[len(messages)-1].ID
	}
	writer.Header().Set("Content-Type", "application/json")
	writer.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(writer).Encode(map[string]any{
		"messages": messages, "cursor": strconv.Itoa(cursor), "more": len(found) > page, "reset": nil,
	})
}

func stream(writer http.ResponseWriter, request *http.Request) {
	room := roomNamed(request.FormValue("room"))
	cursor, err := startOf(request, room)
	if err != nil {
		http.Error(writer, "no cursor", http.StatusBadRequest)
		return
	}
	header := writer.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Accel-Buffering", "no")
	controller := http.NewResponseController(writer)
	fmt.Fprint(writer, "retry: 1000\n\n")
	for {
		messages, bell := room.after(cursor)
		for _, message := range messages {
			data, _ := json.Marshal(message)
			fmt.Fprintf(writer, "id: %s\ndata: %s\n\n", message.Cursor, data)
			cursor = message.ID
		}
		if controller.Flush() != nil {
			return
		}
		select {
		case <-bell:
		case <-time.After(keepAlive):
			fmt.Fprint(writer, ": keep-alive\n\n")
		case <-request.Context().Done():
			return
		}
	}
}

func main() {
	http.HandleFunc("POST /messages", publish)
	http.HandleFunc("GET /poll", poll)
	http.HandleFunc("GET /stream", stream)
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT")}
	stopped := make(chan struct{})
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		<-signals
		server.Shutdown(context.Background())
		close(stopped)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-stopped
}
