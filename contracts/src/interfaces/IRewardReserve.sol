// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Pay for uptime when fees fall short, refilled when they do not
/// @notice The settlement's reserve: protocol fees and seized earnings come here. For each period of the uptime ledger it
///         releases what fees lacked of the wages for available collateral, never more than 208 millionths of itself an
///         hour, and shares that out by weight. Amounts are base units of the fee token unless a name says weight or
///         collateral: those are base units of the stake token.
/// @dev Life of a period: operators are enrolled in the period before; when its result is final their availability is
///      reported for `REPORT_SECONDS`; then it is closed, which fixes what is released; then rewards are claimed for
///      `CLAIM_SECONDS`; what is left expires, back into the reserve. Anyone may take each of these steps.
interface IRewardReserve {
    /// @notice In force for periods that begin after they were set.
    /// @param wage Fee-token base units an hour for each `BOND` of fully available collateral.
    /// @param domainBps `z`: most of a release that one failure domain gets, basis points.
    /// @param refillBps `θ`: most of a period's surplus that the reserve keeps of its protocol fees, basis points.
    struct Parameters {
        uint96 wage;
        uint16 domainBps;
        uint16 refillBps;
    }

    /// @param weight Sum of the weights reported.
    /// @param release Set aside for claims; once expired, what was claimed of it.
    /// @param paid Claimed so far.
    /// @param expiresAt Unix seconds from which nothing can be claimed; zero until closed.
    /// @param domainBps Most of the release that a failure domain gets; zero until closed.
    struct Period {
        uint128 weight;
        uint128 release;
        uint128 paid;
        uint64 expiresAt;
        uint16 domainBps;
    }

    /// @param enrolled Collateral at the last enrolment; no more than that counts.
    /// @param weight Available collateral, zero until reported and once claimed.
    /// @param withheld Commission that the payout address could not receive when it was claimed; it can be claimed again.
    /// @param domain Failure domain declared when it was reported.
    struct Entry {
        uint128 enrolled;
        uint128 weight;
        uint128 withheld;
        bytes32 domain;
    }

    /// @notice The settlement whose reserve this is was named; `firstPeriod` is the first that can be paid.
    event SettlementBound(address indexed settlement, uint16 protocolFeeBps, uint64 firstPeriod);

    /// @notice Parameters changed for periods from `firstPeriod` on; `previous` is zero-valued at deployment. A change not
    ///         yet in force is replaced by the next one for the same period.
    event RewardParametersChanged(uint64 indexed firstPeriod, Parameters previous, Parameters current);

    /// @notice The operator's collateral was noted for `period`; a later enrolment for it replaces an earlier one.
    event OperatorEnrolled(address indexed operator, uint64 indexed period, uint256 collateral);

    /// @notice The operator's availability is paid to `availabilityBps`, which makes `weight` in `domain`.
    event AvailabilityReported(
        address indexed operator, uint64 indexed period, bytes32 indexed domain, uint256 availabilityBps, uint256 weight
    );

    /// @notice A period was closed, and with it those before it that nobody was paid for. `received` joined the reserve
    ///         (protocol fees, seizures, gifts); then `release` was set aside for claims until `expiresAt`, or `burned` was.
    /// @param weight Sum of weights.
    /// @param wages Wages of that weight.
    /// @param protocolFees Protocol fees that count for this period.
    event PeriodClosed(
        uint64 indexed period,
        uint256 weight,
        uint256 wages,
        uint256 protocolFees,
        uint256 received,
        uint256 release,
        uint256 burned,
        uint64 expiresAt
    );

    /// @notice A reward left: `paid` to the operator's payout address, `distributed` to its pool's stakers; `withheld` could
    ///         not be received and stays claimable.
    event RewardClaimed(
        address indexed operator,
        uint64 indexed period,
        address indexed payout,
        uint256 paid,
        uint256 distributed,
        uint256 withheld
    );

    /// @notice What nobody claimed went back into the reserve.
    event RewardsExpired(uint64 indexed period, uint256 amount);

    /// @notice Surplus left for the burn address.
    event SurplusBurned(uint256 amount);

    /// @notice Emitted once, at deployment.
    /// @param bond Collateral that one wage is for.
    /// @param reportSeconds Seconds in which availability is reported, from when a result is final.
    /// @param claimSeconds Seconds in which rewards are claimed, from when a period is closed.
    event RewardReserveConfigured(
        address uptimeLedger,
        address operatorRegistry,
        address stakeVault,
        address feeToken,
        uint256 bond,
        uint64 reportSeconds,
        uint64 claimSeconds
    );

    error RewardReserve_ZeroAddress();
    error RewardReserve_ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);
    error RewardReserve_NotBound();
    error RewardReserve_AlreadyBound(address settlement);
    error RewardReserve_NotItsReserve(address settlement, address reserve);
    error RewardReserve_FeeTokenMismatch(address feeToken, address settled);
    error RewardReserve_NoProtocolFee(address settlement);
    error RewardReserve_NoCollateral(address operator);
    error RewardReserve_PeriodNotFinal(uint64 period);
    error RewardReserve_ReportsClosed(uint64 period, uint64 closedAt);
    error RewardReserve_NotEnrolled(uint64 period, address operator);
    error RewardReserve_AlreadyReported(uint64 period, address operator);
    error RewardReserve_NotActive(address operator);
    error RewardReserve_NothingEarned(uint64 period, address operator);
    error RewardReserve_AlreadyClosed(uint64 period);
    error RewardReserve_TooEarlyToClose(uint64 period, uint64 closesAt);
    error RewardReserve_TooManySkipped(uint64 period, uint64 last);
    error RewardReserve_OutOfOrder(uint64 period, uint64 earlier);
    error RewardReserve_NotClosed(uint64 period);
    error RewardReserve_ClaimsExpired(uint64 period, uint64 expiredAt);
    error RewardReserve_NothingToClaim(uint64 period, address operator);
    error RewardReserve_NotExpired(uint64 period, uint64 expiresAt);
    error RewardReserve_NothingToExpire(uint64 period);
    error RewardReserve_NothingToBurn();

    /// @notice Where surplus goes.
    function BURN() external view returns (address);

    /// @notice Most periods that one `close` may pass over.
    function MAX_SKIPPED() external view returns (uint64);

    /// @notice Token that rewards are paid in.
    function FEE_TOKEN() external view returns (address);

    /// @notice Collateral that one wage is for: the vault's floor of own stake, what the smallest operator has.
    /// @dev A wage for each operator instead would pay who splits into several.
    function BOND() external view returns (uint256);

    /// @notice Seconds in which availability is reported, from when a result is final.
    function REPORT_SECONDS() external view returns (uint64);

    /// @notice Seconds in which rewards are claimed, from when a period is closed.
    function CLAIM_SECONDS() external view returns (uint64);

    /// @notice Names the settlement, once; it must name this reserve. The next period is the first that can be paid.
    ///         Restricted.
    function bind(address settlement) external;

    /// @notice Changes the parameters from the next period on. Restricted.
    function changeParameters(Parameters calldata parameters) external;

    /// @notice Notes the operator's collateral for the next period, so that stake cannot appear for the payday only.
    function enrol(address operator) external returns (uint64 period);

    /// @notice Weighs an operator in a final period, once: the lower of its collateral enrolled and now, for the paid part of
    ///         its availability. It must be active now, and counts in the failure domain it declares now.
    /// @param observed Result words of the ledger, as in its event.
    /// @param up Likewise.
    function report(uint64 period, address operator, uint256[] calldata observed, uint256[] calldata up)
        external
        returns (uint256 weight);

    /// @notice Closes a period whose reports are closed: collects what the settlement owes, and releases
    ///         `min(wages - fees, 208 millionths of the reserve an hour)`, rounded down; where fees exceed wages it burns
    ///         what its protocol fees of the period exceed `refillBps` of the surplus by.
    /// @dev Periods are closed in ascending order; those with no weight may be passed over, at most `MAX_SKIPPED`, and leave
    ///      the reserve their protocol fees whole. Fees since the last close count evenly over the time since then, so that
    ///      closing late, or two periods at once, moves none from one period into another.
    function close(uint64 period) external;

    /// @notice Pays an operator's reward for a closed period: the commission to its payout address, the rest to the stakers
    ///         of its pool, as the settlement pays its earnings.
    /// @return amount What was paid and distributed.
    function claim(uint64 period, address operator) external returns (uint256 amount);

    /// @notice Returns what was not claimed in time to the reserve. It includes what the domains' limit kept from operators.
    function expire(uint64 period) external returns (uint256 amount);

    /// @notice Sends the surplus set aside to the burn address.
    function burn() external returns (uint256 amount);

    /// @notice The settlement whose reserve this is; zero until bound.
    function inferenceSettlement() external view returns (address);

    /// @notice The newest parameters, and the first period that they are for.
    function parameters() external view returns (Parameters memory newest, uint64 firstPeriod);

    /// @notice First period that is not closed.
    function nextPeriod() external view returns (uint64);

    /// @notice Unix seconds at which reports of a period end and from which it can be closed.
    function closesAt(uint64 period) external view returns (uint64);

    /// @notice What can be released. What came since the last close is not in it yet.
    function funds() external view returns (uint256);

    /// @notice Released, and neither claimed nor expired.
    function owed() external view returns (uint256);

    /// @notice Waits for `burn`.
    function unburned() external view returns (uint256);

    /// @notice What is stored of a period.
    function periodOf(uint64 period) external view returns (Period memory);

    /// @notice What is stored of an operator in a period.
    function entryOf(uint64 period, address operator) external view returns (Entry memory);

    /// @notice Sum of the weights of a failure domain in a period.
    function domainWeight(uint64 period, bytes32 domain) external view returns (uint256);

    /// @notice What `claim` shares out now: `release * weight / Σ weight * min(1, domainBps * Σ weight / domain's weight)`,
    ///         rounded down; zero until closed, and once expired.
    function reward(uint64 period, address operator) external view returns (uint256);
}
