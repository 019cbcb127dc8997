# Rails on Puma: the message log over polling, long-polling and Server-Sent Events.
# A stream is a controller with `ActionController::Live`; each holds a thread of Puma and one of Rails. It is one
# file, so that all of it can be read.
require "action_controller/railtie"

KEPT_MESSAGES = 10_000
PAGE = 200
KEEP_ALIVE_SECONDS = 15

class Stack < Rails::Application
  config.eager_load = true
  config.consider_all_requests_local = false
  config.hosts.clear
  config.secret_key_base = "only for the bench"
  config.logger = Logger.new($stderr, level: :fatal)
  config.load_defaults 6.1

  routes.append do
    post "messages", to: "messages#create"
    get "poll", to: "messages#poll"
    get "stream", to: "streams#show"
  end
end

# One room's messages, oldest first. A cursor is the id of the last message that was read.
class Room
  ROOMS = Concurrent::Map.new

  def self.named(name)
    ROOMS.compute_if_absent(name || "lobby") { new }
  end

  attr_reader :head

  def initialize
    @messages = []
    @head = 0
    @lock = Mutex.new
    @bell = ConditionVariable.new
  end

  def append(room, author, text)
    @lock.synchronize do
      @head += 1
      message = { id: @head, cursor: @head.to_s, room: room, author: author, text: text, sent_at: Time.now.utc.iso8601(6) }
      @messages << message
      @messages.shift if @messages.size > KEPT_MESSAGES
      @bell.broadcast
      message
    end
  end

  def after(cursor)
    oldest = @head - @messages.size
    @messages.drop([cursor - oldest, 0].max)
  end

  # Waits for messages after a cursor, and returns them; none after a timeout.
  def wait(cursor, seconds)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    @lock.synchronize do
      while @head <= cursor
        left = deadline - Process.clock_gettime(Process::CLOCK_MONOTONIC)
        break if left <= 0
        @bell.wait(@lock, left)
      end
      after(cursor)
    end
  end
end

class ReadersController < ActionController::API
  rescue_from(ArgumentError, TypeError) { |error| render json: { detail: error.message }, status: 400 }

  private

  # The reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end.
  def start_of(room)
    given = request.headers["Last-Event-ID"] || params[:cursor]
    start = given ? Integer(given, 10) : [room.head - Integer(params[:last] || 50), 0].max
    raise ArgumentError, "no cursor" if start.negative?
    start
  end
end

class MessagesController < ReadersController
  def create
    room, author, text = (params[:room] || "lobby"), params[:author], params[:text]
    unless [room, author, text].all? { |field| field.is_a?(String) && field.present? }
      return render json: { detail: "room, author and text are texts" }, status: 422
    end
    render json: Room.named(room).append(room, author, text), status: 201
  end

  def poll
    room = Room.named(params[:room])
    cursor = start_of(room)
    seconds = [Float(params[:wait] || 0), 60].min
    found = seconds.positive? ? room.wait(cursor, seconds) : room.after(cursor)
    messages = found.first(PAGE)
    response.headers["Cache-Control"] = "no-store"
    place = messages.empty? ? cursor.to_s : messages.last[:cursor]
    render json: { messages: messages, cursor: place, more: found.size > PAGE, reset: nil }
  end
end

class StreamsController < ReadersController
  include ActionController::Live

  def show
    room = Room.named(params[:room])
    cursor = start_of(room)
    response.headers["Content-Type"] = "text/event-stream"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    # Without it Rack::ETag, which Rails adds, waits for the whole answer.
    response.headers["Last-Modified"] = Time.now.httpdate
    response.stream.write("retry: 1000\n\n")
    events = ActionController::Live::SSE.new(response.stream)
    loop do
      found = room.wait(cursor, KEEP_ALIVE_SECONDS)
      response.stream.write(": keep-alive\n\n") if found.empty?
      found.each do |message|
        events.write(message, id: message[:cursor])
        cursor = message[:id]
      end
    end
  rescue ActionController::Live::ClientDisconnected
    nil
  ensure
    response.stream.close
  end
end
