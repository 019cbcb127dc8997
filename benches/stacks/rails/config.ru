require_relative "app"

Rails.application.initialize!
run Rails.application
