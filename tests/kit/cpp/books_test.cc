// The books of a client, without a server: what must hold in whatever language they are written again.

#include "books.h"

#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kit {
namespace {

#define EXPECT(condition)                                                            \
  if (!(condition)) {                                                                \
    std::cerr << __FILE__ << ":" << __LINE__ << ": expected " << #condition << "\n"; \
    std::exit(1);                                                                    \
  }

bool breaks_the_contract(const std::function<void()>& act) {
  try {
    act();
    return false;
  } catch (const ProtocolError&) {
    return true;
  }
}

// A read that is on its way.
uint64_t sent(Books& books) {
  v1::FormatAndSendRequest request;
  request.set_request_id(books.new_request_id());
  request.mutable_format()->set_file_id("f");
  request.mutable_format()->mutable_read()->set_device_offset(8);
  request.mutable_format()->mutable_read()->mutable_output_memory()->set_size(4);
  books.asks(request);
  return request.request_id();
}

v1::Event gone(uint64_t sequence) {
  v1::Event event;
  event.set_sequence(sequence);
  event.mutable_file_gone()->set_file_id("f");
  return event;
}

v1::StreamEventsResponse events(const std::vector<uint64_t>& numbers) {
  v1::StreamEventsResponse message;
  for (const uint64_t number : numbers) *message.add_events() = gone(number);
  return message;
}

v1::QueuePairResponse completion(uint64_t first, uint64_t request_id) {
  v1::QueuePairResponse message;
  message.set_first_sequence(first);
  v1::QueueCompletion* completion = message.add_entries()->mutable_completion();
  completion->set_request_id(request_id);
  completion->set_information(4);
  completion->set_data("data");
  return message;
}

void a_request_id_is_never_drawn_twice() {
  Books books;
  std::set<uint64_t> drawn;
  for (int time = 0; time < 100; ++time) drawn.insert(books.new_request_id());
  EXPECT(drawn.size() == 100 && drawn.count(0) == 0);
}

void events_come_without_gaps() {
  const Books books;
  for (const uint64_t wrong : {6, 8}) {
    Arrivals arrivals(books, 4);
    EXPECT(arrivals.take(events({5, 6})).size() == 2);
    EXPECT(breaks_the_contract([&] { arrivals.take(events({wrong})); }));
  }
}

void who_asks_for_all_that_is_kept_begins_anywhere() {
  const Books books;
  Arrivals arrivals(books, 0);
  arrivals.take(events({7}));
  EXPECT(breaks_the_contract([&] { arrivals.take(events({9})); }));
}

void a_file_is_in_the_books_until_it_is_gone() {
  Books books;
  v1::CreateWdfFileResponse created;
  created.set_hresult(0x80070005);
  books.answered(created);
  EXPECT(books.files().empty());
  created.set_hresult(0);
  created.set_file_id("f");
  books.answered(created);
  EXPECT(books.files() == std::set<std::string>{"f"});
  books.process(gone(1));
  EXPECT(books.files().empty() && books.processed() == 1);
}

void a_completion_of_a_queue_pair_is_completed_from_the_submission() {
  Books books;
  const v1::Event event = Arrivals(books, 0).take(completion(9, sent(books))).front();
  const v1::RequestCompleted& done = event.request_completed();
  EXPECT(event.sequence() == 9 && done.file_id() == "f" && done.io_kind() == v1::IO_KIND_READ);
  EXPECT(done.device_offset() == 8 && done.data() == "data");
}

void what_was_sent_is_forgotten_when_it_is_acknowledged_and_not_before() {
  Books books;
  const uint64_t request_id = sent(books);
  for (int time = 0; time < 2; ++time) {  // told again, because it was not acknowledged
    books.process(Arrivals(books, 0).take(completion(1, request_id)).front());
  }
  EXPECT(books.completions() == 1);
  books.acknowledge(1);
  EXPECT(breaks_the_contract([&] { Arrivals(books, 0).take(completion(1, request_id)); }));
}

// Submissions, and what became of each.
struct Submitted {
  Submissions submissions;
  std::map<std::string, std::pair<MessagePtr, std::exception_ptr>> outcomes;

  void submit(const std::string& name, const Message& request) {
    submissions.submit(request, [this, name](MessagePtr reply, std::exception_ptr error) {
      outcomes[name] = {std::move(reply), std::move(error)};
    });
  }
};

void of_an_accepted_send_nothing_is_said() {
  Submitted submitted;
  submitted.submit("send", v1::FormatAndSendRequest());
  submitted.submit("close", v1::CloseRequest());
  submitted.submit("later", v1::SendRequestRequest());
  v1::QueuePairResponse message;
  message.set_submissions_taken(2);
  submitted.submissions.take(message);
  EXPECT(submitted.outcomes.size() == 1 && submitted.outcomes["send"].first);
  message.set_submissions_taken(3);
  submitted.submissions.take(message);
  EXPECT(submitted.outcomes.size() == 2 && submitted.outcomes["later"].first);
}

void a_result_belongs_to_its_number() {
  Submitted submitted;
  submitted.submit("one", v1::FormatAndSendRequest());
  submitted.submit("two", v1::FormatAndSendRequest());
  v1::QueuePairResponse message;
  message.set_submissions_taken(2);
  v1::SubmissionResult* result = message.add_results();
  result->set_submission(2);
  result->mutable_refused()->set_code(5);
  result->mutable_refused()->set_reason("FILE_GONE");
  submitted.submissions.take(message);
  EXPECT(submitted.outcomes["one"].first);
  try {
    EXPECT(submitted.outcomes["two"].second);
    std::rethrow_exception(submitted.outcomes["two"].second);
  } catch (const Refused& refused) {
    EXPECT(refused.code == "NOT_FOUND" && refused.reason == "FILE_GONE");
  }
}

void who_waits_is_told_when_the_stream_is_lost() {
  Submitted submitted;
  submitted.submit("one", v1::CloseRequest());
  submitted.submissions.lost(std::make_exception_ptr(ProtocolError("lost")));
  EXPECT(submitted.outcomes["one"].second);
}

}  // namespace
}  // namespace kit

int main() {
  kit::a_request_id_is_never_drawn_twice();
  kit::events_come_without_gaps();
  kit::who_asks_for_all_that_is_kept_begins_anywhere();
  kit::a_file_is_in_the_books_until_it_is_gone();
  kit::a_completion_of_a_queue_pair_is_completed_from_the_submission();
  kit::what_was_sent_is_forgotten_when_it_is_acknowledged_and_not_before();
  kit::of_an_accepted_send_nothing_is_said();
  kit::a_result_belongs_to_its_number();
  kit::who_waits_is_told_when_the_stream_is_lost();
  std::cout << "the books hold\n";
}
