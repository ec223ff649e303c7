// A team of threads that meet at barriers: spinning, since a step takes microseconds.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace chainrule {

class Team {
public:
    explicit Team(int threads);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    int size() const { return size_; }

    // Run `work(thread)` on all threads, the caller being thread 0; returns when all are done.
    void run(const std::function<void(int)>& work);

    // A barrier: every thread of a run arrives, and waits until all have. In between it may do
    // something useful, for as long as not all have `passed` it.
    long arrive();
    bool passed(long round) const { return round_.load(std::memory_order_acquire) != round; }
    void wait(long round) const;
    void barrier() { wait(arrive()); }

private:
    void serve(int thread);
    void stop();

    const int size_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable wake_;
    const std::function<void(int)>* work_ = nullptr;
    std::atomic<long> generation_{0};
    std::atomic<bool> stopping_{false};
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<long> round_{0};
};

}  // namespace chainrule
